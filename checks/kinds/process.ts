/** Counts the processes of a program. */
import type { HostFacts, ProcessFacts } from '../../proto/host-ports.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, critical, passing } from './kind.ts';

/** The kernel keeps this much of a program's name. */
const nameLengthMax = 15;

export function processKind(facts: Pick<HostFacts, 'processes'>): CheckKind<SpecOf<'process'>> {
  return {
    async run({ program, min, max }) {
      const count = (await facts.processes()).filter((process) => runs(process, program)).length;
      const wanted = max === null ? `at least ${min}` : `${min} to ${max}`;
      const output = `Process ${program}: ${count} running, wanted ${wanted}`;
      const metrics = [
        {
          name: 'count',
          value: count,
          unit: '',
          warning: '',
          critical: `${min}:${max ?? ''}`,
          min: 0,
          max: null,
        },
      ];
      const good = count >= min && (max === null || count <= max);
      return good ? passing(output, { metrics }) : critical(output, { metrics });
    },
  };
}

/** A path is compared with how the program was called; a name also with the kernel's, which is cut. */
function runs({ name, argv }: ProcessFacts, program: string): boolean {
  const called = argv[0] ?? '';
  if (program.includes('/')) return called === program;
  return name === program.slice(0, nameLengthMax) || called.slice(called.lastIndexOf('/') + 1) === program;
}

/** What is wrong with a configuration: all of it at once, each with its place and, where one is known, a way out. */
import { formatPath, formatPlace, type Path, type Place } from './located.ts';

export interface Problem {
  /** An error keeps the agent from starting; a warning does not. */
  readonly level: 'error' | 'warning';
  readonly at: Place;
  /** The key that it is about, as a path (`services[0].port`); '' for the file as a whole. */
  readonly key: string;
  readonly message: string;
  /** What was probably meant: a key, or ''. */
  readonly suggestion: string;
}

/** Gathers problems, so that one pass reports all of them. */
export class Problems {
  readonly #found: Problem[] = [];

  error(at: Place, path: Path, message: string, suggestion = ''): void {
    this.#found.push({ level: 'error', at, key: formatPath(path), message, suggestion });
  }

  warning(at: Place, path: Path, message: string, suggestion = ''): void {
    this.#found.push({ level: 'warning', at, key: formatPath(path), message, suggestion });
  }

  get failed(): boolean {
    return this.#found.some((problem) => problem.level === 'error');
  }

  /**
   * In the order of reading: files as they were first met, then line and column. What a default or a template brings into
   * many definitions is told once.
   */
  sorted(files: readonly string[]): readonly Problem[] {
    const rank = (place: Place) => {
      const found = files.indexOf(place.file);
      return found === -1 ? files.length : found;
    };
    return [...new Map(this.#found.toReversed().map((problem) => [identityOf(problem), problem])).values()]
      .toReversed()
      .toSorted((a, b) => rank(a.at) - rank(b.at) || a.at.line - b.at.line || a.at.column - b.at.column);
  }
}

function identityOf({ at, key, level, message }: Problem): string {
  // Without a line there is no place that tells two problems apart.
  return JSON.stringify([at.line === 0 ? key : '', level, formatPlace(at), message]);
}

/** `web.yaml:3:7: error: services[0].prot: is not a known key (did you mean "port"?)` */
export function formatProblem(problem: Problem): string {
  const key = problem.key === '' ? '' : `${problem.key}: `;
  const hint = problem.suggestion === '' ? '' : ` (did you mean "${problem.suggestion}"?)`;
  return `${formatPlace(problem.at)}: ${problem.level}: ${key}${problem.message}${hint}`;
}

/** Said of a file, whether its name or its text gives it away. */
export const hclAdvice =
  'this is HCL, which is not read here: write it as YAML or JSON, the keys stay the same (`ports { http = 8500 }` becomes `ports: {http: 8500}`)';

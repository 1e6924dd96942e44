/** A number that two equal runs have in common, and two different ones almost never: FNV-1a over what happened, in order. */
export class Trace {
  #hash = 0x811c9dc5;

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
  }

  mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.mix(text.charCodeAt(i));
  }
}

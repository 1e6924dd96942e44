/** So many operations at once and no more; the others wait in the order they came. */
export class Lanes {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(lanes: number) {
    this.#free = lanes;
  }

  /**
   * Starts the call when a lane is free and settles with what it reports. The line has no bound of its own: each
   * of our writers has one operation under way and bounds what it gathers meanwhile.
   */
  run<T>(call: (done: (error: Error | null, result: T) => void) => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const start = (): void => {
        call((error, result) => {
          this.#leave();
          if (error) reject(error);
          else resolve(result);
        });
      };
      if (this.#free === 0) {
        this.#waiting.push(start);
        return;
      }
      this.#free--;
      start();
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

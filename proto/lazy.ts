/**
 * A module that is loaded with its first use. `import()` of one that is there already still takes some microseconds and
 * kilobytes, more than all the rest of a small request; so whoever needs a module often asks for it in this way.
 */
export function lazy<Module>(load: () => Promise<Module>): () => Promise<Module> | Module {
  let loaded: { readonly module: Module } | null = null;
  return () => {
    if (loaded !== null) return loaded.module;
    // A failure is not kept: the next use tries again.
    return load().then((module) => {
      loaded = { module };
      return module;
    });
  };
}

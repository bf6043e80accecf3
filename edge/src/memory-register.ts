/** The shared dict that holds the addresses of shared memory (`platform/mapped-memory.ts`), and its size. */
export const MEMORY_REGISTER = "sluice_memory";
export const MEMORY_REGISTER_BYTES = 65_536;

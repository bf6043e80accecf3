import * as ffi from "ffi";
import { MEMORY_REGISTER } from "../memory-register.ts";

/**
 * Memory that all workers see at one place, made in the init phase: the master maps it and the workers inherit it. A
 * shared dict would take the zone's one mutex for each read and each write, and knows no step that reads, decides and
 * writes; here each part of the memory has a lock of its own, held for as long as a few comparisons take.
 */
ffi.cdef(`
  void *mmap(void *, size_t, int, int, int, long);
  int pthread_mutexattr_init(void *);
  int pthread_mutexattr_setpshared(void *, int);
  int pthread_mutexattr_setrobust(void *, int);
  int pthread_mutex_init(void *, const void *);
  int pthread_mutex_lock(void *);
  int pthread_mutex_consistent(void *);
  int pthread_mutex_unlock(void *);
`);

/** Room for a `pthread_mutex_t` of any platform, and a cache line: neighbours don't disturb each other. */
export const LOCK_BYTES = 64;

const PROT_READ_WRITE = 3;
/** `MAP_SHARED | MAP_ANONYMOUS` of Linux. */
const MAP_SHARED_ANONYMOUS = 0x21;
const PTHREAD_PROCESS_SHARED = 1;
const PTHREAD_MUTEX_ROBUST = 1;
/** Who held the lock has died. */
const EOWNERDEAD = 130;

/**
 * Zeroed memory under that name; after a reload of the configuration the very same, as it was left, unless its size
 * has changed. Pages that nobody writes to cost nothing.
 */
export function mappedMemory(
  name: string,
  bytes: number,
): LuaMultiReturn<[memory: ffi.Bytes, isNew: boolean]> {
  // Like the memory itself, the register outlives a reload and no master.
  const register = ngx.shared[MEMORY_REGISTER];
  if (register === undefined) error(`there is no shared dict ${MEMORY_REGISTER}`);
  const key = `${name} ${string.format("%d", bytes)}`;
  const [address] = register.get(key);
  if (address !== undefined) return $multi(ffi.cast<ffi.Bytes>("uint8_t *", address), false);
  const memory = ffi.C.mmap(undefined, bytes, PROT_READ_WRITE, MAP_SHARED_ANONYMOUS, -1, 0);
  // MAP_FAILED is -1, and an address has no more than 48 bits: a double holds it.
  const place = tonumber(ffi.cast("uintptr_t", memory)) as number;
  if (place > 2 ** 52) error(`no ${bytes} bytes of shared memory`);
  const [kept, failure] = register.safe_set(key, place);
  if (!kept) error(`${MEMORY_REGISTER}: ${failure}`);
  return $multi(ffi.cast<ffi.Bytes>("uint8_t *", memory), true);
}

/** Makes `count` locks of {@link LOCK_BYTES} each. */
export function createLocks(memory: ffi.Bytes, count: number): void {
  const attributes = ffi.new<ffi.Bytes>("uint8_t[64]");
  assertDone(ffi.C.pthread_mutexattr_init(attributes));
  assertDone(ffi.C.pthread_mutexattr_setpshared(attributes, PTHREAD_PROCESS_SHARED));
  assertDone(ffi.C.pthread_mutexattr_setrobust(attributes, PTHREAD_MUTEX_ROBUST));
  for (let i = 0; i < count; i++) assertDone(ffi.C.pthread_mutex_init(lockAt(memory, i), attributes));
}

/**
 * Waits for the lock, asleep when it takes long. Nothing in between may wait, or end the request.
 *
 * A worker that was killed inside leaves its lock to the next, and whatever it was writing half done.
 *
 * @hot
 */
export function lock(locks: ffi.Bytes, index: number): void {
  const taken = lockAt(locks, index);
  if (ffi.C.pthread_mutex_lock(taken) === EOWNERDEAD) ffi.C.pthread_mutex_consistent(taken);
}

/** @hot */
export function unlock(locks: ffi.Bytes, index: number): void {
  ffi.C.pthread_mutex_unlock(lockAt(locks, index));
}

/** @hot */
function lockAt(locks: ffi.Bytes, index: number): ffi.Bytes {
  return ((locks as unknown as number) + index * LOCK_BYTES) as unknown as ffi.Bytes;
}

function assertDone(code: number): void {
  if (code !== 0) error(`a lock cannot be made: error ${code}`);
}

declare module "ffi" {
  interface CLibrary {
    mmap(
      this: void,
      address: undefined,
      bytes: number,
      protection: number,
      flags: number,
      file: number,
      offset: number,
    ): ffi.CData;
    pthread_mutexattr_init(this: void, attributes: ffi.CData): number;
    pthread_mutexattr_setpshared(this: void, attributes: ffi.CData, shared: number): number;
    pthread_mutexattr_setrobust(this: void, attributes: ffi.CData, robust: number): number;
    pthread_mutex_init(this: void, mutex: ffi.CData, attributes: ffi.CData): number;
    pthread_mutex_lock(this: void, mutex: ffi.CData): number;
    pthread_mutex_consistent(this: void, mutex: ffi.CData): number;
    pthread_mutex_unlock(this: void, mutex: ffi.CData): number;
  }
}

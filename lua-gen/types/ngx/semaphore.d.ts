/**
 * Counting semaphores between the light threads, requests and timers of one worker.
 *
 * @noResolution
 * @noSelf
 */
declare module "ngx.semaphore" {
  export interface Semaphore {
    /** Waits at most so long: `nil, "timeout"`. 0 doesn't wait. @phases yield -ssl -proxy_ssl */
    wait(seconds: number): LuaMultiReturn<[true, undefined] | [undefined, string]>;
    /** Releases `count` (1 unless given) waiters, as soon as the caller waits or ends. @phases any */
    post(count?: number): true;
    /** Free resources; negative for as many waiters. @phases any */
    count(): number;
  }
  /** @phases any */
  function create(resources?: number): LuaMultiReturn<[Semaphore, undefined] | [undefined, string]>;

  export { create as new };
}

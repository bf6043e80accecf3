/**
 * A bounded map of one worker: a young generation that fills and an old one that is forgotten when the young
 * one is full. What is in use moves to the young one and survives. It holds at most twice `max` keys, costs
 * one or two table reads for a hit, and keeps no list in order, which is what an exact LRU pays for.
 */
export interface GenerationalMap<V> {
  young: LuaTable<string, V>;
  old: LuaTable<string, V>;
  youngCount: number;
  readonly max: number;
}

export function createGenerationalMap<V>(max: number): GenerationalMap<V> {
  return { young: new LuaTable(), old: new LuaTable(), youngCount: 0, max };
}

export function getFrom<V>(map: GenerationalMap<V>, key: string): V | undefined {
  const value = map.young.get(key);
  if (value !== undefined) return value;
  const aged = map.old.get(key);
  if (aged !== undefined) putInto(map, key, aged);
  return aged;
}

/** As `getFrom`, for who only looks: what is old stays so. */
export function peekAt<V>(map: GenerationalMap<V>, key: string): V | undefined {
  const value = map.young.get(key);
  return value === undefined ? map.old.get(key) : value;
}

/** `wanted` of the keys, all as likely, or all there are (Vitter's algorithm R, 1985). Walks through the whole map. */
export function someKeys<V>(map: GenerationalMap<V>, wanted: number): string[] {
  const keys: string[] = [];
  let seen = 0;
  for (const generation of [map.young, map.old]) {
    for (const [key] of generation) {
      seen += 1;
      const at = seen <= wanted ? seen - 1 : math.floor(math.random() * seen);
      if (at < wanted) keys[at] = key;
    }
  }
  return keys;
}

export function putInto<V>(map: GenerationalMap<V>, key: string, value: V): void {
  if (map.young.get(key) === undefined) {
    if (map.youngCount >= map.max) {
      map.old = map.young;
      map.young = new LuaTable();
      map.youngCount = 0;
    }
    map.youngCount += 1;
  }
  map.young.set(key, value);
}

export function deleteFrom<V>(map: GenerationalMap<V>, key: string): void {
  if (map.young.get(key) !== undefined) {
    map.young.delete(key);
    map.youngCount -= 1;
  }
  map.old.delete(key);
}

export function clearMap<V>(map: GenerationalMap<V>): void {
  map.young = new LuaTable();
  map.old = new LuaTable();
  map.youngCount = 0;
}

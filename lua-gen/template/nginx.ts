import type { NginxConfig } from "lua-gen/nginx/model.ts";
import { luaSearchCpath, luaSearchPath, type Platform } from "lua-gen/nginx/platform.ts";

const here = import.meta.dirname;

export const nginx = (platform: Platform): NginxConfig => ({
  source: "nginx.ts",
  // Workers of a master that root started would become `nobody`, who may not read a private folder.
  ...(process.getuid?.() === 0 ? { user: "root" } : {}),
  workers: 1,
  pidFile: `${here}/run/nginx.pid`,
  errorLog: { path: "stderr", level: "notice" },
  events: { source: "nginx.ts: each worker", connectionsMax: 1024 },
  http: {
    source: "nginx.ts: what all servers share",
    lua: {
      packagePath: luaSearchPath(platform, `${here}/dist`),
      packageCpath: luaSearchCpath(platform),
      tracebacks: true,
    },
    tempDir: `${here}/run`,
    accessLog: "off",
    servers: [
      {
        source: "nginx.ts: the server",
        listen: [{ address: "127.0.0.1", port: 8088 }],
        locations: [
          {
            source: "src/hello.ts answers everything",
            match: { prefix: "/" },
            handler: { content: { module: "hello", entry: "content" } },
          },
        ],
      },
    ],
  },
});

/** @phase content */
export function content(): void {
  const [args] = ngx.req.get_uri_args();
  const name = args.get("name");
  ngx.say("Hello, ", typeof name === "string" ? name : "nobody");
}

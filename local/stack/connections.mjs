// The way out for the functions, with a limit that workerd by itself does not have: an invocation may have six
// connections that wait for the headers of their responses, and a seventh waits for one of them, as on Workers.
//
// Calls carry the id of the request that caused them, so those of one function with one id are one invocation's.

import { WorkerEntrypoint } from "cloudflare:workers";

const AT_ONCE = 6;

// How many wait for headers, by invocation.
const underWay = new Map();

export default class Connections extends WorkerEntrypoint {
  async fetch(request) {
    const invocation = `${this.ctx.props.function} ${request.headers.get("x-request-id")}`;
    // Another request's event cannot be waited for here.
    while ((underWay.get(invocation) ?? 0) >= AT_ONCE) await scheduler.wait(2);
    underWay.set(invocation, (underWay.get(invocation) ?? 0) + 1);

    let isOver = false;
    const leave = () => {
      if (isOver) return;
      isOver = true;
      const left = underWay.get(invocation) - 1;
      if (left > 0) underWay.set(invocation, left);
      else underWay.delete(invocation);
    };
    // A call that is given up leaves at once. Without something to wait until, nothing would run here after that.
    request.signal.addEventListener("abort", leave);
    const response = fetch(request);
    this.ctx.waitUntil(response.then(leave, leave));
    return response;
  }
}

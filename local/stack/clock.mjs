// A clock for the functions that tests set: workerd's own is the machine's, which is the database's as well.
//
// Made of a function, this is the same function with a clock that is so many seconds from the machine's. `new Date()` is
// the only way in which the functions learn the time, so that is what is moved. A request with `x-test-clock: 300` sets the
// clock of its isolate, five minutes ahead, from that request on.

const Real = Date;
let ahead = 0;

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length > 0) super(...given);
    else super(Real.now() + ahead * 1000);
  }

  static now() {
    return Real.now() + ahead * 1000;
  }
};

export function withClock(Function, seconds) {
  ahead = seconds;
  const answer = Function.prototype.fetch;
  Function.prototype.fetch = function (request) {
    const set = request.headers.get("x-test-clock");
    if (set !== null) ahead = Number(set);
    return answer.call(this, request);
  };
  return Function;
}

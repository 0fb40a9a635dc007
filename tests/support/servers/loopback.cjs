// Preloaded into kinesis-local, which always listens on all addresses of a machine and has no setting
// for it: it calls listen(port, callback) or listen(port, host, callback). Here, the host is 127.0.0.1.
const { Server } = require("net");

const listen = Server.prototype.listen;

Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== "number") {
    throw new TypeError(`expected listen(port, ...), got ${typeof port}: it could be any address`);
  }
  const callbacks = rest.filter((argument) => typeof argument === "function");
  return listen.call(this, port, "127.0.0.1", ...callbacks);
};

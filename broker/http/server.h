// The node's small HTTP server: health, metrics, information. GET and HEAD only: other methods are
// answered 405, what is no request 400.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "skald/result.h"

namespace skald::broker::http {

struct Request {
    std::string path;  // without the query
};

struct Response {
    unsigned status = 200;
    std::string content_type;
    std::string body;
};

using Handler = std::function<Response(const Request&)>;

// One thread of its own, on which the handler runs. Connections are kept alive, at most 256 at a
// time (beyond: not accepted until one ends), 8 KiB of header, 30 s of silence.
class Server {
  public:
    // `address` is host:port, port 0 picks one. Errors: invalid_argument, address_in_use, io_error.
    static Result<std::unique_ptr<Server>> start(const std::string& address, Handler handler);
    virtual ~Server() = default;               // ends all connections
    virtual std::string endpoint() const = 0;  // host:port
};

}  // namespace skald::broker::http

// HTTP POSTs, carried out on one thread of its own. What it is made with stays behind this header.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "skald/result.h"

namespace skald::coord {

struct HttpOptions {
    std::string ca_file;    // PEM; empty: those the system trusts
    std::string cert_file;  // PEM, of the client; empty: none
    std::string key_file;   // without a password
    std::chrono::milliseconds connect_timeout{5000};
    // Of a peer's machine: then the connection is lost.
    std::chrono::milliseconds silence_max{10000};
};

struct HttpRequest {
    std::string url;
    std::string body;
    std::vector<std::string> headers;      // as `Name: value`
    std::chrono::milliseconds timeout{0};  // of it all; 0: none
    // Sent again by itself when the connection it took from those kept broke before anything was
    // answered. Never for what must not be done twice.
    bool repeatable = false;
};

// How a request ended.
struct HttpEnd {
    int status = 0;          // 0: no whole reply came
    bool sent = false;       // some of it may have been read by the server
    bool timed_out = false;  // without a reply
    bool too_large = false;  // it was longer than is read
    // Never begun:
    bool busy = false;        // too many are under way
    bool unfit = false;       // of the options' files, or of the URL, nothing can be made
    bool distrusted = false;  // nobody who is trusted vouches for the peer
    std::string body;         // of a stream: what came behind its last line
    std::string why;          // there is no reply
};

// Thread safe. Handlers are called on its thread, must not block and must not destroy it. What is
// under way when it is destroyed is dropped: nobody is told.
class HttpClient {
  public:
    using Done = std::function<void(HttpEnd)>;
    using OnLine = std::function<bool(std::string)>;  // false: end it
    using Id = std::uint64_t;

    // busy when the system gives it nothing to work with.
    static Result<std::unique_ptr<HttpClient>> start(const HttpOptions& options);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // `done` once. 512 may be under way, streams included; a reply has up to 32 MiB, a line 16 MiB.
    void post(HttpRequest request, Done done);
    // The reply comes line by line, until it ends or is cancelled.
    Id stream(HttpRequest request, OnLine on_line, Done done);
    // Nothing is said of it from soon on.
    void cancel(Id id);

  private:
    class Worker;
    explicit HttpClient(std::unique_ptr<Worker> worker);
    const std::unique_ptr<Worker> worker_;
};

}  // namespace skald::coord

// Who may connect with CURVE: the process's ZAP handler (RFC 27) and the nodes that ask it.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace skald::broker {

// While it lives, keys of this list are admitted under `domain`; the key becomes the connection's
// User-Id. `*` in the list admits every key. ZeroMQ has one handler a context, so nodes of one
// process share one, on a thread of its own.
class ZapDomain {
  public:
    ZapDomain(std::string domain, std::vector<std::string> keys);
    ~ZapDomain();
    ZapDomain(const ZapDomain&) = delete;
    ZapDomain& operator=(const ZapDomain&) = delete;

  private:
    class Handler;
    std::string domain_;
    std::shared_ptr<Handler> handler_;
};

}  // namespace skald::broker

#include "broker/transport/zap.h"

#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "skald/node.h"
#include "wire/zmq/socket.h"

namespace skald::broker {
namespace {

using wire::ZmqMessage;
using wire::ZmqSocket;

constexpr std::size_t kCurveKeyBytes = 32;
constexpr std::size_t kZ85Bytes = 41;
constexpr const char* kHandlerEndpoint = "inproc://zeromq.zap.01";

// The frames of a request; short of some when it is not one.
struct Request {
    std::vector<std::string> frames;
    const std::string& version() const { return frames[0]; }
    const std::string& id() const { return frames[1]; }
    const std::string& domain() const { return frames[2]; }
    const std::string& mechanism() const { return frames[5]; }
    const std::string& key() const { return frames[6]; }
    bool complete() const { return frames.size() >= 7 && version() == "1.0"; }
    bool has_key() const { return mechanism() == "CURVE" && key().size() == kCurveKeyBytes; }
};

std::string z85(const std::string& key) {
    char text[kZ85Bytes] = {};
    zmq_z85_encode(text, reinterpret_cast<const std::uint8_t*>(key.data()), key.size());
    return text;
}

}  // namespace

class ZapDomain::Handler {
  public:
    static std::shared_ptr<Handler> shared() {
        static std::mutex mutex;
        static std::weak_ptr<Handler> instance;
        const std::lock_guard lock(mutex);
        auto handler = instance.lock();
        if (!handler) {
            handler = std::make_shared<Handler>();
            instance = handler;
        }
        return handler;
    }

    Handler() : socket_(wire::shared_zmq_context(), wire::ZmqKind::rep) {
        (void)socket_.bind(kHandlerEndpoint);
        thread_ = std::thread([this] { run(); });
    }
    ~Handler() {
        stop_ = true;
        waker_.wake();
        thread_.join();
    }
    Handler(const Handler&) = delete;
    Handler& operator=(const Handler&) = delete;

    void set(const std::string& domain, std::vector<std::string> keys) {
        const std::lock_guard lock(mutex_);
        keys_[domain] = std::move(keys);
    }
    void remove(const std::string& domain) {
        const std::lock_guard lock(mutex_);
        keys_.erase(domain);
    }

  private:
    void run() {
        while (!stop_) {
            wire::poll_sockets(socket_, nullptr, waker_, -1);
            for (Request request = next(); !request.frames.empty(); request = next()) {
                answer(request);
            }
        }
        ZmqSocket closed(std::move(socket_));
    }

    Request next() {
        Request request;
        ZmqMessage part;
        bool more = true;
        while (more && socket_.receive(part)) {
            request.frames.emplace_back(as_text(part.bytes()));
            more = part.more();
        }
        return request;
    }

    bool admits(const std::string& domain, const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto keys = keys_.find(domain);
        return keys != keys_.end() &&
               std::any_of(keys->second.begin(), keys->second.end(),
                           [&key](const std::string& k) { return k == "*" || k == key; });
    }

    void answer(const Request& request) {
        std::string key;
        bool admitted = false;
        if (request.complete() && request.has_key()) {
            key = z85(request.key());
            admitted = admits(request.domain(), key);
        }
        const std::string id = request.frames.size() > 1 ? request.id() : std::string();
        const std::string parts[] = {"1.0",
                                     id,
                                     admitted ? "200" : "400",
                                     admitted ? "OK" : "this key is not admitted",
                                     admitted ? key : "",
                                     ""};
        for (const std::string& part : parts) {
            (void)socket_.send(ZmqMessage(as_bytes(part)), &part != std::end(parts) - 1);
        }
    }

    ZmqSocket socket_;  // of the thread, once it runs
    wire::Waker waker_;
    std::mutex mutex_;
    std::map<std::string, std::vector<std::string>> keys_;  // guarded by mutex_
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

ZapDomain::ZapDomain(std::string domain, std::vector<std::string> keys)
    : domain_(std::move(domain)), handler_(Handler::shared()) {
    handler_->set(domain_, std::move(keys));
}

ZapDomain::~ZapDomain() {
    handler_->remove(domain_);
}

}  // namespace skald::broker

namespace skald {

KeyPair make_key_pair() {
    char public_key[broker::kZ85Bytes] = {};
    char secret_key[broker::kZ85Bytes] = {};
    zmq_curve_keypair(public_key, secret_key);
    return {public_key, secret_key};
}

}  // namespace skald

#include "wire/zmq/socket.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <new>

#include "base/check.h"

namespace skald::wire {
namespace {

constexpr int kVersionMin = ZMQ_MAKE_VERSION(4, 3, 3);
constexpr int kSocketsMax = 4096;

int zmq_kind(ZmqKind kind) {
    switch (kind) {
        case ZmqKind::router:
            return ZMQ_ROUTER;
        case ZmqKind::dealer:
            return ZMQ_DEALER;
        case ZmqKind::rep:
            return ZMQ_REP;
        case ZmqKind::pair:
            return ZMQ_PAIR;
    }
    return ZMQ_PAIR;
}

Error endpoint_error(int code) {
    const Errc kind = code == EADDRINUSE ? Errc::address_in_use
                      : code == EINVAL || code == EPROTONOSUPPORT || code == ENODEV
                          ? Errc::invalid_argument
                          : Errc::unreachable;
    return {kind, code == EADDRINUSE ? "something listens there already: stop it, or name another"
                                     : zmq_strerror(code)};
}

void release_owner(void*, void* hint) {
    delete static_cast<std::shared_ptr<const void>*>(hint);
}

}  // namespace

std::shared_ptr<void> shared_zmq_context() {
    static std::mutex mutex;
    static std::weak_ptr<void> shared;
    const std::lock_guard lock(mutex);
    std::shared_ptr<void> context = shared.lock();
    if (!context) {
        void* created = zmq_ctx_new();
        SKALD_CHECK(created != nullptr, "no memory for a ZeroMQ context");
        zmq_ctx_set(created, ZMQ_MAX_SOCKETS, kSocketsMax);
        context = std::shared_ptr<void>(created, [](void* c) { zmq_ctx_term(c); });
        shared = context;
    }
    return context;
}

bool is_curve_key(const std::string& text) {
    constexpr std::size_t kCharacters = 40;
    std::array<std::uint8_t, kCharacters / 5 * 4> key{};
    return text.size() == kCharacters && zmq_z85_decode(key.data(), text.c_str()) != nullptr;
}

Result<void> check_zmq_version() {
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq_version(&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION(major, minor, patch) < kVersionMin) {
        return Error(
            Errc::invalid_argument,
            fmt::format("libzmq {}.{}.{} is older than 4.3.3: upgrade it", major, minor, patch));
    }
    return {};
}

static_assert(sizeof(zmq_msg_t) == 64);

zmq_msg_t* ZmqMessage::raw() const {
    return std::launder(reinterpret_cast<zmq_msg_t*>(storage_));
}

ZmqMessage::ZmqMessage() {
    zmq_msg_init(raw());
}

ZmqMessage::ZmqMessage(Bytes bytes) {
    SKALD_CHECK(zmq_msg_init_size(raw(), bytes.size()) == 0, "no memory for a message");
    if (!bytes.empty()) {
        std::memcpy(zmq_msg_data(raw()), bytes.data(), bytes.size());
    }
}

ZmqMessage::ZmqMessage(Bytes bytes, std::shared_ptr<const void> owner) {
    auto* hint = new std::shared_ptr<const void>(std::move(owner));
    void* data = const_cast<std::byte*>(bytes.data());
    SKALD_CHECK(zmq_msg_init_data(raw(), data, bytes.size(), release_owner, hint) == 0,
                "no memory for a message");
}

ZmqMessage::~ZmqMessage() {
    zmq_msg_close(raw());
}

ZmqMessage::ZmqMessage(ZmqMessage&& other) noexcept {
    zmq_msg_init(raw());
    zmq_msg_move(raw(), other.raw());
}

ZmqMessage& ZmqMessage::operator=(ZmqMessage&& other) noexcept {
    zmq_msg_move(raw(), other.raw());
    return *this;
}

ZmqMessage ZmqMessage::share() const {
    ZmqMessage copy;
    zmq_msg_copy(copy.raw(), raw());
    return copy;
}

Bytes ZmqMessage::bytes() const {
    return {static_cast<const std::byte*>(zmq_msg_data(raw())), zmq_msg_size(raw())};
}

bool ZmqMessage::more() const {
    return zmq_msg_more(raw()) != 0;
}

std::string_view ZmqMessage::property(const char* name) const {
    const char* value = zmq_msg_gets(raw(), name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

ZmqSocket::ZmqSocket(std::shared_ptr<void> context, ZmqKind kind)
    : context_(std::move(context)), socket_(zmq_socket(context_.get(), zmq_kind(kind))) {
    if (socket_ != nullptr) {
        set(ZMQ_LINGER, 0);
        set(ZMQ_RCVHWM, 0);
    }
}

ZmqSocket::~ZmqSocket() {
    if (socket_ != nullptr) {
        zmq_close(socket_);
    }
}

ZmqSocket::ZmqSocket(ZmqSocket&& other) noexcept
    : context_(std::move(other.context_)), socket_(std::exchange(other.socket_, nullptr)) {}

void ZmqSocket::set(int option, int value) {
    SKALD_CHECK(zmq_setsockopt(socket_, option, &value, sizeof value) == 0, zmq_strerror(errno));
}

void ZmqSocket::set(int option, std::int64_t value) {
    SKALD_CHECK(zmq_setsockopt(socket_, option, &value, sizeof value) == 0, zmq_strerror(errno));
}

void ZmqSocket::set(int option, std::string_view value) {
    SKALD_CHECK(zmq_setsockopt(socket_, option, value.data(), value.size()) == 0,
                zmq_strerror(errno));
}

Result<void> ZmqSocket::set_key(int option, const std::string& key) {
    if (zmq_setsockopt(socket_, option, key.c_str(), key.size() + 1) != 0) {
        return Error(Errc::invalid_argument, "a CURVE key is not 40 characters of Z85");
    }
    return {};
}

Result<std::string> ZmqSocket::bind(const std::string& endpoint) {
    if (zmq_bind(socket_, endpoint.c_str()) != 0) {
        Error why = endpoint_error(errno);
        why.message = fmt::format("endpoint {}: {}", endpoint, why.message);
        return why;
    }
    char real[256] = {};
    std::size_t bytes = sizeof real;
    if (zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, real, &bytes) != 0) {
        return endpoint;
    }
    return std::string(real);
}

Result<void> ZmqSocket::connect(const std::string& endpoint) {
    if (zmq_connect(socket_, endpoint.c_str()) != 0) {
        return endpoint_error(errno);
    }
    return {};
}

bool ZmqSocket::receive(ZmqMessage& message) {
    return zmq_msg_recv(message.raw(), socket_, ZMQ_DONTWAIT) >= 0;
}

SendResult ZmqSocket::send(ZmqMessage&& message, bool more) {
    const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    if (zmq_msg_send(message.raw(), socket_, flags) >= 0) {
        return SendResult::sent;
    }
    return errno == EHOSTUNREACH ? SendResult::unreachable : SendResult::full;
}

ZmqSocket ZmqSocket::monitor(int events) {
    const std::string endpoint = fmt::format("inproc://skald-monitor-{}", socket_);
    zmq_socket_monitor(socket_, endpoint.c_str(), events);
    ZmqSocket watcher(context_, ZmqKind::pair);
    if (watcher.open()) {
        (void)watcher.connect(endpoint);
    }
    return watcher;
}

Waker::Waker() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    SKALD_CHECK(fd_ >= 0, "no eventfd");
}

Waker::~Waker() {
    close(fd_);
}

void Waker::wake() {
    if (state_.exchange(State::woken) != State::asleep) {
        return;
    }
    const std::uint64_t one = 1;
    // A full counter is a wake-up already.
    [[maybe_unused]] const auto written = write(fd_, &one, sizeof one);
}

// False when there is something to do already.
bool Waker::fall_asleep() {
    State awake = State::awake;
    if (state_.compare_exchange_strong(awake, State::asleep)) {
        return true;
    }
    state_ = State::awake;
    return false;
}

// `written`: the poll saw the descriptor. Another's wake() may still be about to write; the next
// poll sees that.
void Waker::wake_up(bool written) {
    (void)state_.exchange(State::awake);
    if (written) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = read(fd_, &count, sizeof count);
    }
}

void poll_sockets(const ZmqSocket& socket, const ZmqSocket* other, Waker& waker, int timeout_ms) {
    zmq_pollitem_t items[3] = {};
    int count = 0;
    items[count].fd = waker.fd_;
    items[count++].events = ZMQ_POLLIN;
    for (const ZmqSocket* s : {&socket, other}) {
        if (s != nullptr && s->open()) {
            items[count].socket = s->handle();
            items[count++].events = ZMQ_POLLIN;
        }
    }
    if (waker.fall_asleep()) {
        zmq_poll(items, count, timeout_ms);
        waker.wake_up((items[0].revents & ZMQ_POLLIN) != 0);
    }
}

void poll_waker(Waker& waker, int timeout_ms) {
    zmq_pollitem_t item{nullptr, waker.fd_, ZMQ_POLLIN, 0};
    if (waker.fall_asleep()) {
        zmq_poll(&item, 1, timeout_ms);
        waker.wake_up((item.revents & ZMQ_POLLIN) != 0);
    }
}

}  // namespace skald::wire

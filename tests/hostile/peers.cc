#include <poll.h>
#include <unistd.h>
#include <zmq.h>

#include <deque>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/crash/process.h"
#include "tests/hostile/manners.h"
#include "tests/hostile/raw_peer.h"
#include "wire/envelope.h"
#include "wire/zmq/socket.h"

namespace skald::hostile {
namespace {

using namespace std::chrono_literals;
namespace msg = wire::msg;

constexpr auto kSecond = 1s;
constexpr int kHeartbeatMs = 50;
constexpr int kHeartbeatTurns = 30;
constexpr std::size_t kChurnOpen = 64;

Monotonic now() {
    return SystemClock::instance().monotonic();
}

void mark() {
    [[maybe_unused]] const auto written = ::write(crash::Child::kProgressFd, ".", 1);
}

// One connection of a kind, made again whenever it ended.
class Line {
  public:
    Line(const Kind& kind, const Orders& orders, std::uint64_t number)
        : kind_(kind), orders_(orders), number_(number) {}

    pollfd wants() const {
        // An event of no interest still tells of the end.
        const int events = (pending_.empty() ? 0 : POLLOUT) | (kind_.reads ? POLLIN : 0);
        return {peer_ == nullptr ? -1 : peer_->fd(), static_cast<short>(events), 0};
    }

    void open() {
        peer_ = RawPeer::connect(orders_.endpoint, kind_.receive_buffer);
        if (peer_ == nullptr || !peer_->shake_hands()) {
            peer_.reset();
            return;
        }
        // No two connections share a producer: the older would be told goodbye.
        manner_ = kind_.make((orders_.seed << 40) + (number_ << 24) + ++made_);
        pending_ = manner_->begin();
        sent_ = 0;
        begun_ = now();
        refill();
    }

    // Bytes that went.
    std::size_t go_on(short events) {
        if ((events & (POLLERR | POLLHUP)) != 0 || ((events & POLLIN) != 0 && !peer_->read())) {
            open();
            return 0;
        }
        const std::size_t n = (events & POLLOUT) != 0 ? peer_->write(rest()) : 0;
        if (n == std::string::npos) {
            open();
            return 0;
        }
        sent_ += n;
        refill();
        return n;
    }

    void each_second() {
        if (peer_ == nullptr ||
            (kind_.turns != 0 && now() - begun_ > std::chrono::seconds(kind_.turns))) {
            open();
        } else if (pending_.empty()) {
            pending_ = manner_->each_second();
        }
    }

  private:
    std::string_view rest() const { return std::string_view(pending_).substr(sent_); }
    void refill() {
        if (sent_ == pending_.size()) {
            pending_ = manner_->next();
            sent_ = 0;
        }
    }

    const Kind& kind_;
    const Orders& orders_;
    std::uint64_t number_;
    std::uint64_t made_ = 0;
    std::unique_ptr<RawPeer> peer_;
    std::unique_ptr<Manner> manner_;
    std::string pending_;
    std::size_t sent_ = 0;
    Monotonic begun_{};
};

std::string a_hello(std::uint64_t number) {
    msg::Hello hello;
    store_le(hello.producer.bytes.data(), number);
    hello.producer.bytes[14] = 1;
    return message(hello);
}

// What connection `number` says before it is closed; the first few do not get to a handshake.
constexpr std::uint64_t kWays = 9;
constexpr std::uint64_t kWaysWithoutHandshake = 5;
std::string last_words(std::uint64_t number) {
    const std::string hello = a_hello(number);
    const std::string everything =
        message(msg::Subscribe{msg::kFirstPlainId, {}, Beginning{}, false, 60'000, limits::kMiB});
    switch (number % kWays) {
        case 0:
            return {};
        case 1:
            return greeting().substr(0, 11);
        case 2:
            return greeting();
        case 3:
            return greeting() + ready_command().substr(0, 9);
        case 4:
            return std::string(700, static_cast<char>(number));
        case 5:
            return hello.substr(0, hello.size() - 7);
        case 6:
            return hello + frame(std::string(5000, 'x'), true).substr(0, 4000);
        case 7:
            return hello + everything;
        default:
            return hello + everything + message(msg::Bye{"enough"});
    }
}

}  // namespace

void run_peers(const Kind& kind, const Orders& orders) {
    std::vector<Line> lines;
    for (std::uint64_t i = 0; i < orders.count; ++i) {
        lines.emplace_back(kind, orders, i);
        lines.back().open();
    }
    std::vector<pollfd> ready(lines.size());
    std::size_t bytes = 0;
    for (Monotonic next = now() + kSecond;;) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            ready[i] = lines[i].wants();
        }
        poll(ready.data(), ready.size(), 100);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            bytes += ready[i].revents != 0 ? lines[i].go_on(ready[i].revents) : 0;
        }
        for (; bytes >= limits::kMiB; bytes -= limits::kMiB) {
            mark();
        }
        if (now() >= next) {
            next = now() + kSecond;
            for (Line& line : lines) {
                line.each_second();
            }
        }
    }
}

void run_churn(const Orders& orders) {
    std::deque<std::unique_ptr<RawPeer>> open;
    for (std::uint64_t i = 0; i < orders.count; ++i) {
        auto peer = RawPeer::connect(orders.endpoint);
        if (peer == nullptr || (i % kWays >= kWaysWithoutHandshake && !peer->shake_hands())) {
            --i;  // until there were so many
            continue;
        }
        mark();
        (void)peer->write(last_words(orders.seed * kWays * limits::kMiB + i));
        if (i / kWays % 3 == 0) {
            peer->reset_at_close();
        }
        open.push_back(std::move(peer));
        if (open.size() > kChurnOpen) {
            open.pop_front();
        }
    }
}

void run_heartbeats(const Orders& orders) {
    wire::EnvelopeEncoder encoder;
    wire::Waker nobody;
    for (std::uint64_t number = 1;; ++number) {
        wire::ZmqSocket socket(wire::shared_zmq_context(), wire::ZmqKind::dealer);
        socket.set(ZMQ_RCVHWM, 1);
        socket.set(ZMQ_HEARTBEAT_IVL, kHeartbeatMs);
        socket.set(ZMQ_HEARTBEAT_TIMEOUT, 3 * kHeartbeatMs);
        socket.set(ZMQ_HEARTBEAT_TTL, 2 * kHeartbeatMs);
        (void)socket.connect(orders.endpoint);
        const auto say = [&](const msg::FromClient& message) {
            (void)socket.send(wire::ZmqMessage(encoder.encode(message)), false);
        };
        msg::Hello hello;
        store_le(hello.producer.bytes.data(), (orders.seed << 32) + number);
        hello.producer.bytes[13] = 1;
        say(hello);
        say(msg::Subscribe{msg::kFirstPlainId, {}, Beginning{}, false, 60'000, 60 * limits::kMiB});
        for (int turn = 0; turn < kHeartbeatTurns; ++turn) {
            wire::poll_waker(nobody, 2 * kHeartbeatMs);
            say(msg::Heartbeat{});
        }
        mark();
    }
}

}  // namespace skald::hostile

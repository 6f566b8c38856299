#include "broker/transport/brake.h"

#include <unistd.h>
#include <zmq.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "wire/request.h"

namespace skald::broker {
namespace {

constexpr std::byte kNothing[1] = {};

}  // namespace

struct Brake::Grip {
    std::mutex mutex;
    std::condition_variable released;
    std::thread::id holder;  // guarded by mutex, like the next
    bool held = false;
};

// Kept by a message that goes from one of our sockets to the other. ZeroMQ lets go of it on its I/O
// thread, where it holds no lock and owes nobody anything: there it waits.
struct Brake::Shoe {
    std::shared_ptr<Grip> grip;
    explicit Shoe(std::shared_ptr<Grip> g) : grip(std::move(g)) {}
    Shoe(const Shoe&) = delete;
    Shoe& operator=(const Shoe&) = delete;
    ~Shoe() {
        std::unique_lock lock(grip->mutex);
        // A message that could not be sent is let go of by who holds the brake.
        if (std::this_thread::get_id() != grip->holder) {
            grip->released.wait(lock, [this] { return !grip->held; });
        }
    }
};

Result<std::unique_ptr<Brake>> Brake::open() {
    const std::shared_ptr<void> context = wire::shared_zmq_context();
    wire::ZmqSocket near(context, wire::ZmqKind::pair);
    wire::ZmqSocket far(context, wire::ZmqKind::pair);
    if (!near.open() || !far.open()) {
        return Error(Errc::io_error, "no socket can be made: too many are open");
    }
    // Not inproc, which has no I/O thread; nobody else finds the name or is let in.
    const std::string endpoint = "ipc://@skald-" + to_string(wire::IdSource().next());
    far.set(ZMQ_IPC_FILTER_PID, static_cast<int>(getpid()));
    if (auto bound = far.bind(endpoint); !bound) {
        return bound.error();
    }
    if (auto connected = near.connect(endpoint); !connected) {
        return connected.error();
    }
    return std::unique_ptr<Brake>(new Brake(std::move(near), std::move(far)));
}

Brake::Brake(wire::ZmqSocket near, wire::ZmqSocket far)
    : grip_(std::make_shared<Grip>()), near_(std::move(near)), far_(std::move(far)) {}

Brake::~Brake() {
    release();
}

void Brake::hold() {
    if (held_) {
        return;
    }
    held_ = true;
    ++holds_;
    {
        const std::lock_guard lock(grip_->mutex);
        grip_->held = true;
        grip_->holder = std::this_thread::get_id();
    }
    (void)near_.send(wire::ZmqMessage(kNothing, std::make_shared<Shoe>(grip_)), false);
}

void Brake::release() {
    if (!held_) {
        return;
    }
    held_ = false;
    {
        const std::lock_guard lock(grip_->mutex);
        grip_->held = false;
    }
    grip_->released.notify_all();
    wire::ZmqMessage passed;
    while (far_.receive(passed)) {
    }
}

}  // namespace skald::broker

#include "tests/hostile/manners.h"

#include <algorithm>
#include <random>
#include <vector>

#include "base/limits.h"
#include "tests/hostile/raw_peer.h"
#include "wire/request.h"

namespace skald::hostile {
namespace {

namespace msg = wire::msg;

constexpr std::size_t kAtOnce = 64 * limits::kKiB;
constexpr std::uint64_t kNoSuchVersion = std::uint64_t{1} << 40;
constexpr int kTinyBuffer = 2048;

std::string hello(std::uint64_t number) {
    msg::Hello hello;
    store_le(hello.producer.bytes.data(), number);
    hello.producer.bytes[15] = 1;
    hello.client = "hostile";
    return message(hello);
}

std::string subscribe(std::uint64_t id, const Selection& selection) {
    return message(msg::Subscribe{id, selection, Beginning{}, false, limits::kEventsInFlightMax,
                                  limits::kBytesInFlightMax, true});
}

std::string request(const std::string& stream, std::size_t bytes, Expected expected) {
    NewEvent event;
    event.type = "flood";
    event.data.assign(bytes, 'f');
    wire::IdSource ids;
    auto encoded = wire::encode_request(Append::one(stream, std::move(event), expected), ids);
    return encoded ? std::move(encoded->bytes) : std::string();
}

// Appends without a look at credit or answers.
class Flood : public Manner {
  public:
    Flood(std::uint64_t number, std::size_t bytes, Expected expected)
        : number_(number),
          request_(request("flood-" + std::to_string(number % 16), bytes, expected)) {}
    std::string begin() override { return hello(number_); }
    std::string next() override {
        std::string all;
        for (; all.size() < kAtOnce; ++id_) {
            if (request_.size() > kAtOnce) {
                all += message(msg::Append{id_, id_, id_, Partition{}, {}, 1}, request_);
            } else {
                all += message(msg::Append{id_, id_, id_, Partition{}, as_bytes(request_), 1});
            }
        }
        return all;
    }

  private:
    std::uint64_t number_;
    std::string request_;
    std::uint64_t id_ = 0;
};

// The same bytes again and again.
class Repeat : public Manner {
  public:
    Repeat(std::string begin, const std::string& once) : begin_(std::move(begin)) {
        while (!once.empty() && all_.size() < kAtOnce) {
            all_ += once;
        }
    }
    std::string begin() override { return begin_; }
    std::string next() override { return all_; }

  private:
    std::string begin_;
    std::string all_;
};

// Asks for everything, and takes nothing; heartbeats keep its session.
class Stall : public Manner {
  public:
    Stall(std::uint64_t number, std::string beat) : number_(number), beat_(std::move(beat)) {}
    std::string begin() override { return hello(number_) + subscribe(msg::kFirstPlainId, {}); }
    std::string next() override { return {}; }
    std::string each_second() override { return beat_; }

  private:
    std::uint64_t number_;
    std::string beat_;
};

// Requests that are not appends, each with an id of its own.
class Ask : public Manner {
  public:
    using Make = std::function<std::string(std::uint64_t id)>;
    Ask(std::uint64_t number, Make make) : number_(number), make_(std::move(make)) {}
    std::string begin() override { return hello(number_); }
    std::string next() override {
        std::string all;
        while (all.size() < kAtOnce) {
            all += make_(id_++);
        }
        return all;
    }

  private:
    std::uint64_t number_;
    Make make_;
    std::uint64_t id_ = msg::kFirstPlainId;
};

// Frames that are no messages of ours, and in the end one that is too large for any.
class Garbage : public Manner {
  public:
    explicit Garbage(std::uint64_t number) : dice_(number), number_(number) {}
    std::string begin() override { return number_ % 2 == 0 ? hello(number_) : std::string(); }
    std::string next() override {
        std::string all;
        while (all.size() < kAtOnce) {
            all += frame(noise(dice_() % 600), dice_() % 4 == 0);
        }
        all += frame({}, false);
        return ++blocks_ % 32 == 0 ? all + too_large() : all;
    }

  private:
    std::string noise(std::size_t bytes) {
        std::string text = message(msg::Heartbeat{});
        text.resize(bytes, static_cast<char>(dice_()));
        for (int flips = 0; flips < 4 && !text.empty(); ++flips) {
            text[dice_() % text.size()] = static_cast<char>(dice_());
        }
        return text;
    }
    static std::string too_large() {
        std::string head = frame(std::string(300, 'x'), false);
        head[1] = '\x01';
        return head;
    }

    std::mt19937_64 dice_;
    std::uint64_t number_;
    std::uint64_t blocks_ = 0;
};

std::string large_read(std::uint64_t id) {
    msg::Read read;
    read.id = id;
    read.read.limit = limits::kPageEventsMax;
    return message(read);
}

// Ephemeral events for everybody, and never a look at the answers.
std::string whisper(std::uint64_t id) {
    static const std::string event = request("whispers", 1000, Expected::any());
    return message(msg::PublishEphemeral{id}, event);
}

Selection largest_selection() {
    Selection selection;
    for (std::size_t i = 0; i < limits::kGlobsMax; ++i) {
        const std::string glob = std::to_string(i) + std::string(limits::kGlobBytesMax - 3, 'g');
        selection.types.push_back(glob + "*");
        selection.streams.push_back(glob + "?");
    }
    return selection;
}

std::string many_frames() {
    std::string all;
    for (int i = 0; i < 1000; ++i) {
        all += frame("part", true);
    }
    return all + frame({}, false);
}

template <typename M, typename... Arguments>
auto makes(Arguments... arguments) {
    return [=](std::uint64_t number) { return std::make_unique<M>(number, arguments...); };
}

std::unique_ptr<Manner> repeat(std::string begin, const std::string& once) {
    return std::make_unique<Repeat>(std::move(begin), once);
}

std::vector<Kind> kinds() {
    using Number = std::uint64_t;
    const Expected any = Expected::any();
    const Expected never = Expected::exact(kNoSuchVersion);
    const std::string beat = message(msg::Heartbeat{});
    return {
        {"flood", true, 0, 0, makes<Flood>(std::size_t{100}, any)},
        {"deaf", false, kTinyBuffer, 3, makes<Flood>(std::size_t{100}, any)},
        {"large", true, 0, 0, makes<Flood>(std::size_t{1000 * limits::kKiB}, never)},
        {"beats", true, 0, 0, [=](Number n) { return repeat(hello(n), beat); }},
        {"strangers", true, 0, 0, [=](Number) { return repeat({}, beat); }},
        {"frames", true, 0, 0, [](Number n) { return repeat(hello(n), many_frames()); }},
        {"endless", true, 0, 0,
         [](Number n) { return repeat(hello(n), frame(std::string(1 << 20, 'e'), true)); }},
        {"garbage", true, 0, 0, makes<Garbage>()},
        {"reads", false, kTinyBuffer, 0, makes<Ask>(large_read)},
        {"whispers", false, kTinyBuffer, 0, makes<Ask>(whisper)},
        {"globs", true, 0, 0, makes<Ask>([](Number id) {
             static const Selection largest = largest_selection();
             return subscribe(id, largest);
         })},
        {"stall", false, kTinyBuffer, 0, makes<Stall>(beat)},
        {"ping", false, kTinyBuffer, 0, makes<Stall>(beat + ping_command(300))},
    };
}

}  // namespace

const Kind* kind_of(const std::string& name) {
    static const std::vector<Kind> all = kinds();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Kind& kind) { return kind.name == name; });
    return found == all.end() ? nullptr : &*found;
}

}  // namespace skald::hostile

#include "tests/hostile/load.h"

#include <fmt/format.h>

#include <cstdlib>

namespace skald::hostile {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 60s;
constexpr auto kPause = 20ms;
constexpr std::size_t kComplaintsMax = 5;
constexpr std::uint64_t kSeededAt = 20;  // the number that a seeded defect strikes

std::unique_ptr<EventStore> connected(const std::string& endpoint) {
    ClientOptions options;
    options.servers = {endpoint};
    options.timeout = 120s;
    auto store = connect(options);
    if (!store) {
        fmt::print(stderr, "hostile: {}: {}\n", endpoint, store.error().message);
        std::exit(70);
    }
    return std::move(*store);
}

// The number, then letters that follow from it.
std::string data_of(std::uint64_t number, std::size_t bytes) {
    std::string data = std::to_string(number) + ' ';
    data.resize(std::max(bytes, data.size()), static_cast<char>('a' + number % 26));
    return data;
}

bool is_data_of(std::uint64_t number, std::string_view data) {
    return data == data_of(number, data.size());
}

}  // namespace

Publisher::Publisher(const std::string& endpoint, Plan plan)
    : plan_(std::move(plan)), store_(connected(endpoint)), thread_([this] { run(); }) {}

// What has no answer yet gets one from the store's end.
Publisher::~Publisher() {
    end();
    store_.reset();
}

void Publisher::end() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool Publisher::await_room() {
    std::unique_lock lock(mutex_);
    // Refused means busy: at once again would be no better.
    if (pause_) {
        pause_ = false;
        changed_.wait_for(lock, kPause, [this] { return stop_; });
    }
    changed_.wait(lock, [this] { return stop_ || open_ < plan_.window; });
    ++open_;
    return !stop_;
}

void Publisher::run() {
    for (std::uint64_t number = 0; plan_.most == 0 || number < plan_.most; ++number) {
        if (!await_room()) {
            const std::lock_guard lock(mutex_);
            --open_;
            return;
        }
        NewEvent event;
        event.type = "steady";
        event.data = data_of(number, plan_.bytes);
        store_->append_async(
            Append::one(plan_.stream, std::move(event)),
            [this, number](const Result<Receipt>& receipt) { answered(number, receipt); });
    }
}

void Publisher::answered(std::uint64_t number, const Result<Receipt>& receipt) {
    const std::lock_guard lock(mutex_);
    --open_;
    if (receipt) {
        acknowledged_.resize(std::max<std::size_t>(acknowledged_.size(), number + 1));
        acknowledged_[number] = true;
        ++written_;
    } else if (receipt.error().code == Errc::busy) {
        ++refused_;
        pause_ = true;
    } else {
        trouble_ = fmt::format("{}: append {}: {}", plan_.stream, number, receipt.error().message);
    }
    changed_.notify_all();
}

void Publisher::stop() {
    end();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_ == 0; });
}

std::uint64_t Publisher::written() const {
    const std::lock_guard lock(mutex_);
    return written_;
}

std::uint64_t Publisher::refused() const {
    const std::lock_guard lock(mutex_);
    return refused_;
}

std::string Publisher::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

std::vector<bool> Publisher::acknowledged() const {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
}

Reader::Reader(const std::string& endpoint, const std::vector<std::string>& streams, Seeded seeded)
    : seeded_(seeded), store_(connected(endpoint)) {
    for (const std::string& stream : streams) {
        seen_.emplace_back().stream = stream;
    }
    auto subscription = store_->subscribe({}, *this);
    if (!subscription) {
        trouble_ = subscription.error().message;
        return;
    }
    subscription_ = std::move(*subscription);
}

Reader::~Reader() {
    subscription_.reset();
}

Reader::Seen* Reader::find(std::string_view stream) {
    for (Seen& seen : seen_) {
        if (seen.stream == stream) {
            return &seen;
        }
    }
    return nullptr;
}

void Reader::look(Seen& seen, const EventView& event) {
    const auto wrong = [&](std::string what) {
        if (seen.wrong.size() < kComplaintsMax) {
            seen.wrong.push_back(fmt::format("{}: {}", seen.stream, what));
        }
    };
    const std::uint64_t number =
        std::strtoull(std::string(event.data.substr(0, 20)).c_str(), nullptr, 10);
    if (!is_data_of(number, event.data)) {
        return wrong(fmt::format("version {} holds what nobody wrote", event.version.value));
    }
    if (event.version.value != seen.next_version) {
        wrong(
            fmt::format("version {} came when {} was due", event.version.value, seen.next_version));
    }
    seen.next_version = event.version.value + 1;
    if (seeded_ == Seeded::lost && number == kSeededAt) {
        return;
    }
    if (number >= seen.numbers.size()) {
        seen.numbers.resize(number + 1);
    }
    if (seen.numbers[number] || (seeded_ == Seeded::doubled && number == kSeededAt)) {
        wrong(fmt::format("number {} came twice", number));
    }
    seen.numbers[number] = true;
}

void Reader::on_events(const Delivery& delivery) {
    const std::lock_guard lock(mutex_);
    for (const EventView& event : delivery.events) {
        // Nobody here changes streams, so that no control record takes an offset.
        if (offset_ && event.offset.value != *offset_ + 1) {
            trouble_ = fmt::format("offset {} followed {}", event.offset.value, *offset_);
        }
        offset_ = event.offset.value;
        if (Seen* seen = find(event.stream)) {
            look(*seen, event);
        }
    }
    all_ += delivery.events.size();
    changed_.notify_all();
}

void Reader::on_ended(const Error& reason, const Position&) {
    const std::lock_guard lock(mutex_);
    trouble_ = "the subscription ended: " + reason.message;
    changed_.notify_all();
}

bool Reader::await(const std::string& stream, std::uint64_t events) {
    std::unique_lock lock(mutex_);
    const Seen& seen = *find(stream);
    while (seen.next_version < events) {
        const std::uint64_t before = all_;
        if (!changed_.wait_for(lock, kPatience, [&] { return all_ != before; })) {
            return false;
        }
    }
    return true;
}

std::vector<std::string> Reader::complaints(const std::string& stream,
                                            const std::vector<bool>& acknowledged) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    if (!trouble_.empty()) {
        all.push_back(trouble_);
    }
    for (const Seen& seen : seen_) {
        if (seen.stream != stream) {
            continue;
        }
        all.insert(all.end(), seen.wrong.begin(), seen.wrong.end());
        for (std::uint64_t n = 0; n < acknowledged.size() && all.size() < kComplaintsMax; ++n) {
            if (acknowledged[n] && (n >= seen.numbers.size() || !seen.numbers[n])) {
                all.push_back(fmt::format("{}: number {} was missed", stream, n));
            }
        }
    }
    return all;
}

}  // namespace skald::hostile

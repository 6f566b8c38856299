#include "store/local_store.h"

#include <fmt/format.h>

#include <atomic>
#include <mutex>

#include "skald/store.h"
#include "store/local_subscription.h"
#include "store/reading.h"

namespace skald::store {
namespace {

// What a receipt says beside the outcome.
struct Sent {
    std::string stream;
    Uuid last_id;
    Ack ack = Ack::quorum;
};

Sent sent_of(const Append& request, const wire::EncodedRequest& encoded) {
    return {request.streams.back().stream, encoded.last_id, request.ack};
}

// Appends of a thread are committed in their order, also when one of them waits.
std::uint64_t this_thread() {
    static std::atomic<std::uint64_t> last{0};
    thread_local const std::uint64_t number = ++last;
    return number;
}

Receipt receipt_of(const Volume& volume, Sent sent, const AppendOutcome& outcome) {
    Receipt receipt;
    receipt.stream = std::move(sent.stream);
    receipt.version = outcome.version;
    receipt.partition = outcome.partition;
    receipt.offset = outcome.offset;
    receipt.id = sent.last_id;
    receipt.position = volume.position_after(outcome);
    receipt.repeated = outcome.repeated;
    receipt.durability = sent.ack;
    return receipt;
}

// An asynchronous append until its outcome; owns itself.
class PendingAppend final : public AppendListener {
  public:
    PendingAppend(Volume& volume, wire::EncodedRequest encoded, Sent sent, AppendCallback done)
        : volume_(volume),
          encoded_(std::move(encoded)),
          sent_(std::move(sent)),
          done_(std::move(done)) {}

    static void submit(std::unique_ptr<PendingAppend> pending,
                       const std::optional<Producer>& producer) {
        auto view = wire::RequestView::open(as_bytes(pending->encoded_.bytes));
        if (!view) {
            pending->done_(view.error());
            return;
        }
        Volume& volume = pending->volume_;
        const Submission submission{*view, producer, pending.release(), 0, this_thread()};
        volume.submit({&submission, 1});
    }

    void on_outcome(std::uint64_t, const Result<AppendOutcome>& outcome) override {
        if (outcome) {
            done_(receipt_of(volume_, std::move(sent_), *outcome));
        } else {
            done_(outcome.error());
        }
    }
    void on_commit(const CommitTimes&) override { delete this; }

  private:
    Volume& volume_;
    wire::EncodedRequest encoded_;
    Sent sent_;
    AppendCallback done_;
};

class LocalStore final : public EventStore {
  public:
    explicit LocalStore(Volume& volume) : volume_(volume) {}
    explicit LocalStore(std::unique_ptr<Volume> volume)
        : owned_(std::move(volume)), volume_(*owned_) {}

    Result<Receipt> append(const Append& request) override {
        auto encoded = encode(request);
        if (!encoded) {
            return encoded.error();
        }
        auto view = wire::RequestView::open(as_bytes(encoded->bytes));
        if (!view) {
            return view.error();
        }
        auto outcome = volume_.append({*view, request.producer, nullptr, 0, this_thread()});
        if (!outcome) {
            return outcome.error();
        }
        return receipt_of(volume_, sent_of(request, *encoded), *outcome);
    }

    void append_async(const Append& request, AppendCallback done) override {
        auto encoded = encode(request);
        if (!encoded) {
            done(encoded.error());
            return;
        }
        Sent sent = sent_of(request, *encoded);
        PendingAppend::submit(std::make_unique<PendingAppend>(volume_, std::move(*encoded),
                                                              std::move(sent), std::move(done)),
                              request.producer);
    }

    Result<Uuid> publish_ephemeral(std::string_view stream, NewEvent event) override {
        const auto encoded = encode(Append::one(std::string(stream), std::move(event)));
        if (!encoded) {
            return encoded.error();
        }
        if (auto ok = volume_.ephemeral().publish(as_bytes(encoded->bytes)); !ok) {
            return ok.error();
        }
        return encoded->last_id;
    }

    Result<Page> read(const Read& request) override {
        auto begun = begin_page(volume_, request);
        if (!begun) {
            return begun.error();
        }
        auto step = begun->cursor->next_events(begun->budget);
        if (!step) {
            return step.error();
        }
        if (step->events.empty()) {
            if (auto ok = explain_empty(volume_, request.selection); !ok) {
                return ok.error();
            }
        }
        Page page;
        page.events = std::move(step->events);
        page.memory = std::move(step->memory);
        page.next = begun->cursor->position();
        page.resume = page.next;
        page.end = step->end;
        return page;
    }

    Result<std::unique_ptr<Subscription>> subscribe(const Subscribe& request,
                                                    SubscriptionHandler& handler) override {
        return subscribe_local(volume_, request, handler, threads_);
    }

    Result<StreamInfo> stream_info(std::string_view stream) override {
        return volume_.stream_info(stream);
    }
    Result<StreamList> list_streams(std::string_view glob, std::string_view after,
                                    std::uint32_t limit) override {
        return volume_.list_streams(glob, after, limit, {});
    }

    Result<Receipt> change_stream(const Lifecycle& request) override {
        auto encoded = volume_.encode_lifecycle(request);
        if (!encoded) {
            return encoded.error();
        }
        auto view = wire::RequestView::open(as_bytes(*encoded), true);
        if (!view) {
            return view.error();
        }
        auto outcome = volume_.append({*view, std::nullopt, nullptr, 0, this_thread()});
        if (!outcome) {
            return outcome.error();
        }
        return receipt_of(volume_, {request.stream, view->record_id(0), Ack::quorum}, *outcome);
    }

    Result<std::optional<Snapshot>> get_snapshot(std::string_view stream) override {
        return volume_.get_snapshot(stream);
    }
    Result<void> put_snapshot(std::string_view stream, const Snapshot& snapshot) override {
        return volume_.put_snapshot(stream, snapshot);
    }
    Result<Position> position() override { return volume_.position(); }

    Volume& volume() { return volume_; }

  private:
    Result<wire::EncodedRequest> encode(const Append& request) {
        const std::scoped_lock lock(ids_mutex_);
        return wire::encode_request(request, ids_);
    }

    std::unique_ptr<Volume> owned_;
    Volume& volume_;
    ThreadKeeper threads_;
    std::mutex ids_mutex_;
    wire::IdSource ids_;  // guarded by ids_mutex_
};

}  // namespace

std::unique_ptr<EventStore> make_local_store(Volume& volume) {
    return std::make_unique<LocalStore>(volume);
}

Volume* volume_of(EventStore& store) {
    auto* const local = dynamic_cast<LocalStore*>(&store);
    return local != nullptr ? &local->volume() : nullptr;
}

}  // namespace skald::store

namespace skald {

Result<std::unique_ptr<EventStore>> open_store(const std::string& directory,
                                               const StoreOptions& options) {
    store::VolumeOptions volume_options;
    volume_options.partitions = options.partitions;
    volume_options.map_bytes = options.map_bytes;
    volume_options.create = options.create;
    auto volume = store::Volume::open(directory, volume_options);
    if (!volume) {
        return volume.error();
    }
    return std::unique_ptr<EventStore>(std::make_unique<store::LocalStore>(std::move(*volume)));
}

}  // namespace skald

// A read model: the rows of one projector, in a directory of its own, in one or several versions.
//
//     auto model = ReadModel::open("data/models/orders");
//     auto page = (*model)->query({.where = {{"customer", key_of("ann")}}, .limit = 50});
//
// Rows, indexes and the checkpoint of a version change in one transaction (rule P2): a query sees
// all of them as of one position. Queries see the active version; a projector (projector.h) builds
// another beside it, and promote() makes that one active in one step (P5). Typed queries: view.h.
//
// One process at a time may have the directory open, else already_open. What is stored is derived:
// deleting the directory makes projectors build it anew.
//
// Errors besides those of storage: not_ready while the version is rebuilt, which is until its rows
// have been complete once; not_found without a version; invalid_argument for a field or index that
// there is not (the message names those that are), a value of another type, or a cursor of another
// query.
//
// Threads: any, for every method. Destroy projectors first.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "skald/clock.h"
#include "skald/cqrs/key.h"
#include "skald/cqrs/live_query.h"
#include "skald/position.h"
#include "skald/result.h"

namespace skald::cqrs {

struct ReadModelOptions {
    std::size_t map_bytes = 0;     // address space to reserve; 0: 256 GiB. It cannot outgrow it
    const Clock* clock = nullptr;  // outlives the model; null: the machine's
};

// standby: another copy holds the lease. stopped: it needs somebody; idle: no projector is started.
enum class ModelState : std::uint8_t { idle, standby, rebuilding, running, retrying, stopped };
std::string_view name_of(ModelState state);

struct VersionStatus {
    std::uint32_t version = 0;
    bool active = false;
    bool previous = false;  // what roll_back() goes back to
    bool complete = false;  // was up to date once since its rows were begun
    ModelState state = ModelState::idle;
    std::optional<Error> error;  // the last one; when stopped, why
    Position position;           // everything before it is in the rows, or was not selected
    std::uint64_t events = 0;    // handled since the rows were begun
    std::uint64_t parked = 0;    // events
    double rate = 0;             // events handled a second, lately
    std::uint64_t reruns =
        0;  // tries of lanes (projection.h) that came to nothing, in this process
};

// Whether a version has reached a position, and if not, why. Rule P7.
struct Freshness {
    enum class State : std::uint8_t { reached, lagging, rebuilding, stopped, wrong_lineage };
    State state = State::reached;
    Position position;            // where the version stands
    std::uint64_t left = 0;       // offsets to go
    std::optional<double> eta_s;  // by the rate of late; none when nothing is known
    // Unless reached: timed_out when lagging, not_ready when rebuilding, store_failed when stopped,
    // wrong_lineage or log_truncated; with the reason in words.
    Error error;
    bool reached() const { return state == State::reached; }
};

// Which rows, in which order. `where` and `order` choose the index: one whose first fields are
// those of `where`, and whose next is `order`. A value may be text as a command line has it.
struct RowQuery {
    using Value = std::variant<KeyValue, std::string>;
    struct Field {
        std::string name;
        Value value;
    };
    struct Bound {
        Value value;
        bool inclusive = true;
    };
    std::vector<std::string> key{};  // values of the key's fields, the first ones or all, as text
    std::vector<Field> where{};
    std::string order{};          // a field; empty: what the index goes on with
    std::optional<Bound> from{};  // of the field that orders
    std::optional<Bound> to{};
    bool descending = false;
    std::uint32_t limit = 100;     // rows, 1-10,000
    std::size_t bytes = 16 << 20;  // of rows: a page ends earlier, but not before its first row
    std::string after{};           // RowPage::next of the same query: goes on behind that page
    std::uint32_t version = 0;     // 0: the active one, or the one that `after` began with
    // The rows are to reflect everything before it. Waits for it at most so long, then the error of
    // Freshness; at once when stopped or of another log.
    std::optional<Position> at_least{};
    std::chrono::milliseconds wait{0};
};

struct RowPage {
    std::vector<std::string> rows;             // JSON
    std::string next;                          // for `after`; empty when there is no more
    std::shared_ptr<const Position> position;  // that the rows reflect
    std::uint32_t version = 0;                 // that they are of
};

class InlineProjection;
class ModelCore;

class ReadModel {
  public:
    // Creates the directory. unknown_format and corrupt: delete it.
    static Result<std::unique_ptr<ReadModel>> open(const std::string& directory,
                                                   const ReadModelOptions& options = {});
    ~ReadModel();

    // Of its projector; empty before the first.
    std::string name() const;
    std::vector<VersionStatus> versions() const;

    Result<RowPage> query(const RowQuery& query) const;
    // The same by key, answered at once; nullopt when it would have to wait for anything, or is
    // refused: ask query(), which says why.
    std::optional<RowPage> try_query(const RowQuery& query) const;
    // A query that goes on (live_query.h). `handler` outlives what is returned.
    Result<std::unique_ptr<LiveQuery>> live(const RowQuery& query,
                                            LiveHandler<std::string>& handler,
                                            const LiveOptions& options = {}) const;
    // The same for whoever asks by itself what comes next.
    Result<std::unique_ptr<LiveSource>> follow(const RowQuery& query,
                                               const LiveOptions& options = {}) const;
    // The row of this key; nullopt when there is none.
    Result<std::optional<std::string>> get(const KeyValue& key) const;
    // Of the active version.
    Freshness wait_for(const Position& position, std::chrono::milliseconds wait) const;

    // Queries see this version from now on. The active one stands still meanwhile, so that this one
    // can pass it; timed_out when it has not within `wait`. not_ready when neither was ever
    // complete, not_found. Events that the one before has passed have no more effects.
    Result<void> promote(std::uint32_t version, std::chrono::milliseconds wait);
    // Back to the version that was active before; not_found when there is none, or it is retired.
    Result<void> roll_back();
    // Removes a version. busy while its projector is started or it is active.
    Result<void> retire(std::uint32_t version);

    ModelCore& core() { return *core_; }

  private:
    friend class InlineProjection;
    explicit ReadModel(std::unique_ptr<ModelCore> core);
    Result<void> wait_for_at_least(const RowQuery& query) const;

    std::unique_ptr<ModelCore> core_;
};

// Several models that are to reflect one position: each waits for what is left of the time. The
// first that does not reach it answers. Rule P8.
Freshness wait_for_all(const std::vector<const ReadModel*>& models, const Position& position,
                       std::chrono::milliseconds wait);

}  // namespace skald::cqrs

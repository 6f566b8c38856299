// All read models that a place holds, by name: what `skald projection` and `skald query` ask for.
// A directory in this process answers it (declared_models.h); a node may from afar.
//
// Every method: not_found names the models that there are. While promote() waits, create, rebuild,
// remove and another promote of that model are refused with busy.
//
// Threads: any.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "skald/cqrs/describe.h"
#include "skald/cqrs/poison.h"
#include "skald/cqrs/projector.h"
#include "skald/cqrs/read_model.h"

namespace skald::cqrs {

// VersionStatus as it travels.
struct ModelVersionInfo {
    std::uint32_t version = 0;
    bool active = false;
    bool previous = false;
    bool complete = false;
    std::string state;                 // as name_of(ModelState)
    std::optional<std::string> error;  // the last one
    std::string position;              // token
    std::uint64_t lag = 0;             // offsets between it and the end of the log
    std::optional<double> eta_s;
    std::uint64_t events = 0;
    std::uint64_t parked = 0;
    double rate = 0;  // events a second
    std::uint64_t reruns = 0;

    static auto describe() {
        return record<ModelVersionInfo>("ModelVersionInfo")
            .field("version", &ModelVersionInfo::version)
            .field("active", &ModelVersionInfo::active)
            .field("previous", &ModelVersionInfo::previous)
            .field("complete", &ModelVersionInfo::complete)
            .field("state", &ModelVersionInfo::state)
            .field("error", &ModelVersionInfo::error)
            .field("position", &ModelVersionInfo::position)
            .field("lag", &ModelVersionInfo::lag)
            .field("eta_s", &ModelVersionInfo::eta_s)
            .field("events", &ModelVersionInfo::events)
            .field("parked", &ModelVersionInfo::parked)
            .field("rate", &ModelVersionInfo::rate)
            .field("reruns", &ModelVersionInfo::reruns);
    }
};

struct ModelInfo {
    std::string name;
    std::optional<std::string> category;  // of the events, when it is declared from one
    bool paused = false;
    std::optional<std::string> fault;  // why it cannot be used at all
    std::vector<ModelVersionInfo> versions;

    static auto describe() {
        return record<ModelInfo>("ModelInfo")
            .field("name", &ModelInfo::name)
            .field("category", &ModelInfo::category)
            .field("paused", &ModelInfo::paused)
            .field("fault", &ModelInfo::fault)
            .field("versions", &ModelInfo::versions);
    }
};

// A version, and whether it was begun just now.
struct ModelBegun {
    std::string name;
    std::uint32_t version = 0;
    bool begun = false;

    static auto describe() {
        return record<ModelBegun>("ModelBegun")
            .field("name", &ModelBegun::name)
            .field("version", &ModelBegun::version)
            .field("begun", &ModelBegun::begun);
    }
};

// Which events of a stream: up to a version, or those recorded by a time; else all.
struct StreamAt {
    std::string stream;
    std::optional<Version> at{};
    std::optional<Time> until{};
};

// What a projection makes of the events of one stream.
struct StreamState {
    std::vector<std::string> rows;   // JSON, at most 10,000
    std::optional<Version> version;  // of the last event it handled; none: it handles none of them
    std::uint64_t events = 0;        // handled

    static auto describe() {
        return record<StreamState>("StreamState")
            .required("rows", &StreamState::rows)
            .field("version", &StreamState::version)
            .field("events", &StreamState::events);
    }
};

class ReadModels {
  public:
    virtual ~ReadModels() = default;

    // By name.
    virtual Result<std::vector<ModelInfo>> list() = 0;
    virtual Result<ModelInfo> show(const std::string& name) = 0;

    // A declaration (declared.h); `file` names it in messages. The first of a name is active at
    // once. The one that was begun last changes nothing; another is built beside it as the next
    // version, or as the one it names. invalid_argument for a bad file; already_exists when that
    // version is another declaration, or is not above those there are.
    virtual Result<ModelBegun> create(const std::string& file, std::string_view text) = 0;
    // Builds the active declaration once more, beside, as the next version.
    virtual Result<ModelBegun> rebuild(const std::string& name) = 0;
    // Queries see that version from now on; 0: the newest. The one before is kept, and older ones
    // are removed. Errors: ReadModel::promote; not_found when there is nothing to promote,
    // not_ready for a version that is not begun or stopped.
    virtual Result<ModelBegun> promote(const std::string& name, std::uint32_t version,
                                       std::chrono::milliseconds wait) = 0;
    // Stops handling events, until resume(), also across restarts. Queries are answered.
    virtual Result<void> pause(const std::string& name) = 0;
    // Also a projection that stopped because of an error.
    virtual Result<void> resume(const std::string& name) = 0;
    // Of the active version, at most 1,000; of one key unless it is empty.
    virtual Result<std::vector<ParkedEvent>> parked(const std::string& name,
                                                    const std::string& key) = 0;
    // Errors: Projector::replay_parked; not_ready while it is paused.
    virtual Result<Replayed> replay_parked(const std::string& name, const std::string& key) = 0;
    // With its rows and its declarations.
    virtual Result<void> remove(const std::string& name) = 0;

    // The active declaration folded over one stream, now. Errors: fold() in fold.h;
    // unsupported_version for what is not declared.
    virtual Result<StreamState> fold(const std::string& name, const StreamAt& what) = 0;

    // Errors: ReadModel::query.
    virtual Result<RowPage> query(const std::string& name, const RowQuery& query) = 0;
    // The same by key, answered at once; nullopt when it would have to wait for anything, or is
    // refused: ask query(), which says why.
    virtual std::optional<RowPage> try_query(const std::string& /*name*/,
                                             const RowQuery& /*query*/) {
        return std::nullopt;
    }
    // A query that goes on (live_query.h). Errors: ReadModel::live. It ends with shutting_down when
    // the model is removed.
    virtual Result<std::unique_ptr<LiveSource>> follow(const std::string& name,
                                                       const RowQuery& query,
                                                       const LiveOptions& options) = 0;
    // The same, told to `handler`, which outlives what is returned.
    Result<std::unique_ptr<LiveQuery>> live(const std::string& name, const RowQuery& query,
                                            LiveHandler<std::string>& handler,
                                            const LiveOptions& options = {});
};

}  // namespace skald::cqrs

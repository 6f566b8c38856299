#include "cqrs/model_core.h"

#include <fmt/format.h>

#include "cqrs/limits.h"
#include "cqrs/live_hub.h"
#include "cqrs/position_order.h"

namespace skald::cqrs {
namespace {

using store::lmdb::Env;
using store::lmdb::WriteTxn;

Error no_version(const std::string& name, std::uint32_t number) {
    return {Errc::not_found, number == 0
                                 ? fmt::format("read model {} holds no version yet", name)
                                 : fmt::format("read model {} has no version {}", name, number)};
}

Error other_schema(const std::string& name, std::uint32_t number) {
    return {Errc::invalid_argument,
            fmt::format("version {} of read model {} was built with other rows, keys or indexes; "
                        "give the new ones a higher version",
                        number, name)};
}

Result<Position> position_of(const std::string& token) {
    return token.empty() ? Result<Position>(Position{}) : parse_position(token);
}

store::lmdb::EnvOptions options_of(const ReadModelOptions& options) {
    store::lmdb::EnvOptions env;
    env.map_bytes = options.map_bytes != 0 ? options.map_bytes : limits::kModelMapBytes;
    env.readers_max = limits::kModelReadersMax;
    env.databases_max = 1 + limits::kVersionsMax * (2 + limits::kIndexesMax);
    return env;
}

}  // namespace

ModelCore::ModelCore(ModelHome home, store::lmdb::Database meta, const Clock& clock)
    : home_(std::move(home)),
      catalogue_(meta),
      clock_(clock),
      lease_([this](const std::string& name) { return committed_term(name); }),
      live_(std::make_shared<LiveHub>(*this)) {}

ModelCore::~ModelCore() {
    live_->close();
}

std::string ModelCore::lease_name(const std::string& name, std::uint32_t version) {
    return fmt::format("{}@{}", name, version);
}

Result<std::uint64_t> ModelCore::committed_term(const std::string& lease_name) const {
    const std::shared_lock lock(mutex_);
    auto txn = env().read();
    if (!txn) {
        return txn.error();
    }
    for (const auto& [number, version] : versions_) {
        if (ModelCore::lease_name(name_, number) == lease_name) {
            return catalogue_.term(*txn, number);
        }
    }
    return std::uint64_t{0};
}

Result<std::unique_ptr<ModelCore>> ModelCore::open(const std::string& directory,
                                                   const ReadModelOptions& options) {
    auto env = Env::open(directory, options_of(options));
    if (!env) {
        return env.error();
    }
    const auto write = [&own = **env](const ModelHome::Change& change) -> Result<void> {
        auto txn = own.write();
        if (!txn) {
            return txn.error();
        }
        auto ok = change(*txn);
        return ok ? std::move(*txn).commit() : ok;
    };
    const Clock& clock = options.clock != nullptr ? *options.clock : SystemClock::instance();
    auto core = within({**env, "", write}, clock);
    if (core) {
        (*core)->own_env_ = std::move(*env);
    }
    return core;
}

Result<std::unique_ptr<ModelCore>> ModelCore::within(ModelHome home, const Clock& clock) {
    std::unique_ptr<ModelCore> core;
    auto ok = home.write([&](WriteTxn& txn) -> Result<void> {
        const std::string name = home.prefix + Catalogue::kDatabase;
        auto databases = txn.databases();
        if (!databases) {
            return databases.error();
        }
        auto meta = txn.open(name.c_str(), store::lmdb::Keys::bytes);
        if (!meta) {
            return meta.error();
        }
        core.reset(new ModelCore(home, *meta, clock));
        auto known = core->check_format(txn, *databases == 0);
        return known ? core->load(txn) : known;
    });
    return ok ? Result<std::unique_ptr<ModelCore>>(std::move(core)) : ok.error();
}

// Writes it where nothing is yet.
Result<void> ModelCore::check_format(WriteTxn& txn, bool empty) const {
    auto found = catalogue_.has_format(txn);
    if (!found) {
        return found.error();
    }
    const bool fresh = !*found && (empty || !home_.prefix.empty());
    return fresh ? catalogue_.put_format(txn) : catalogue_.check_format(txn);
}

Result<void> ModelCore::load(WriteTxn& txn) {
    auto name = catalogue_.name(txn);
    auto versions = catalogue_.versions(txn);
    auto active = catalogue_.active(txn);
    auto previous = catalogue_.previous(txn);
    if (!name || !versions || !active || !previous) {
        return !name       ? name.error()
               : !versions ? versions.error()
               : !active   ? active.error()
                           : previous.error();
    }
    name_ = *name;
    active_ = *active;
    previous_ = *previous;
    for (const VersionRecord& record : *versions) {
        if (auto added = add_version(txn, record); !added) {
            return added.error();
        }
    }
    return {};
}

Result<std::shared_ptr<ModelVersion>> ModelCore::add_version(WriteTxn& txn,
                                                             const VersionRecord& record) {
    auto tables = ModelTables::open(txn, home_.prefix, record.number, record.schema);
    auto checkpoint = catalogue_.checkpoint(txn, record.number);
    auto muted = position_of(record.muted_until);
    if (!tables || !checkpoint || !muted) {
        return !tables ? tables.error() : !checkpoint ? checkpoint.error() : muted.error();
    }
    auto position = position_of(checkpoint->token);
    auto parked = ParkedEvents::load(txn, tables->parked);
    if (!position || !parked) {
        return !position ? position.error() : parked.error();
    }
    auto version = std::make_shared<ModelVersion>(record.number, std::move(*tables), clock_);
    version->mute_until(*muted);
    version->progress.committed({std::move(*position), checkpoint->commits, checkpoint->events,
                                 parked->size(), checkpoint->complete});
    versions_[record.number] = version;
    return version;
}

std::string ModelCore::name() const {
    const std::shared_lock lock(mutex_);
    return name_;
}

std::shared_ptr<ModelVersion> ModelCore::find_locked(std::uint32_t number) const {
    const auto found = versions_.find(number);
    return found == versions_.end() ? nullptr : found->second;
}

std::shared_ptr<ModelVersion> ModelCore::find(std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    return find_locked(number);
}

std::shared_ptr<ModelVersion> ModelCore::active() const {
    const std::shared_lock lock(mutex_);
    return find_locked(active_);
}

std::vector<VersionStatus> ModelCore::versions() const {
    const std::shared_lock lock(mutex_);
    std::vector<VersionStatus> all;
    for (const auto& [number, version] : versions_) {
        VersionStatus status = version->progress.status();
        status.version = number;
        status.active = number == active_;
        status.previous = number == previous_;
        all.push_back(std::move(status));
    }
    return all;
}

Result<std::shared_ptr<ModelVersion>> ModelCore::open_version(const std::string& name,
                                                              std::uint32_t number,
                                                              const RowSchema& schema,
                                                              const Position& head) {
    const std::unique_lock lock(mutex_);
    if (!name_.empty() && name_ != name) {
        return Error(Errc::invalid_argument,
                     fmt::format("the directory {} holds the read model {}, not {}",
                                 env().directory(), name_, name));
    }
    if (const auto found = find_locked(number)) {
        return found->tables.schema == schema ? Result<std::shared_ptr<ModelVersion>>(found)
                                              : other_schema(name, number);
    }
    if (versions_.size() >= limits::kVersionsMax) {
        return Error(
            Errc::request_too_large,
            fmt::format("read model {} holds {} versions; retire one", name, versions_.size()));
    }
    return create_version(name, {number, schema, to_token(head)});
}

Result<std::shared_ptr<ModelVersion>> ModelCore::create_version(const std::string& name,
                                                                const VersionRecord& record) {
    const bool first = active_ == 0;
    std::shared_ptr<ModelVersion> version;
    auto written = home_.write([&](WriteTxn& txn) -> Result<void> {
        auto ok = catalogue_.put_version(txn, record);
        if (ok && name_.empty()) {
            ok = catalogue_.put_name(txn, name);
        }
        if (ok && first) {
            ok = catalogue_.put_active(txn, record.number, 0);
        }
        if (!ok) {
            return ok;
        }
        auto added = add_version(txn, record);
        version = added ? *added : nullptr;
        return added ? Result<void>() : added.error();
    });
    if (!written) {
        versions_.erase(record.number);
        return written.error();
    }
    name_ = name;
    active_ = first ? record.number : active_.load();
    return version;
}

Result<std::vector<ParkedEvents::Numbered>> ModelCore::parked(std::uint32_t number,
                                                              std::string_view key,
                                                              std::size_t limit) const {
    const std::shared_lock lock(mutex_);
    const auto version = find_locked(number);
    if (!version) {
        return no_version(name_, number);
    }
    auto txn = env().read();
    return txn ? ParkedEvents::list(*txn, version->tables.parked, key, limit) : txn.error();
}

Result<ModelCore::View> ModelCore::view(std::uint32_t number) const {
    return view_locked(std::shared_lock(mutex_), number);
}

std::optional<Result<ModelCore::View>> ModelCore::try_view(std::uint32_t number) const {
    std::shared_lock lock(mutex_, std::try_to_lock);
    return lock ? std::optional(view_locked(std::move(lock), number)) : std::nullopt;
}

Result<ModelCore::View> ModelCore::follow(LiveFeed& feed, const RowQuery& query) const {
    std::shared_lock lock(mutex_);
    const auto turn = live_->hold();
    auto view = view_locked(std::move(lock), feed.version());
    if (!view) {
        return view.error();
    }
    const RowSchema& schema = view->version->tables.schema;
    auto plan = plan_scan(schema, query);
    if (!plan) {
        return plan.error();
    }
    auto ok = live_->join(feed, {view->version->number, schema, std::move(*plan)});
    return ok ? std::move(view) : ok.error();
}

Result<ModelCore::View> ModelCore::view_locked(std::shared_lock<std::shared_mutex> lock,
                                               std::uint32_t number) const {
    auto txn = env().read();
    if (!txn) {
        return txn.error();
    }
    if (number == 0) {
        auto active = catalogue_.active(*txn);
        if (!active) {
            return active.error();
        }
        number = *active;
    }
    auto version = find_locked(number);
    if (!version) {
        return no_version(name_, number);
    }
    auto checkpoint = catalogue_.checkpoint(*txn, number);
    if (!checkpoint) {
        return checkpoint.error();
    }
    if (!checkpoint->complete) {
        return Error(Errc::not_ready,
                     fmt::format("version {} of read model {} is being rebuilt and not complete",
                                 number, name_));
    }
    return View{std::move(lock), std::move(*txn), std::move(version), std::move(*checkpoint)};
}

}  // namespace skald::cqrs

#include "skald/cqrs/inline_projection.h"

#include <fmt/format.h>

#include "cqrs/inline_build.h"
#include "cqrs/inline_model.h"
#include "cqrs/limits.h"
#include "cqrs/position_order.h"
#include "store/lmdb/database_names.h"
#include "store/local_store.h"

namespace skald::cqrs {
namespace {

Result<void> check_name(const std::string& name) {
    if (name.find('\0') != std::string::npos) {
        return Error(Errc::invalid_argument, "the name of an inline projection holds a zero byte");
    }
    return {};
}

// What the names of its databases begin with; those of another name may begin so as well.
std::string prefix_of(const std::string& name) {
    return fmt::format("inline.{}.", name);
}

Result<store::InlineHost*> host_of(EventStore& store, const std::string& name) {
    store::Volume* const volume = store::volume_of(store);
    if (volume == nullptr) {
        return Error(Errc::invalid_argument,
                     fmt::format("inline projection {}: its log must be on a disk and in this "
                                 "process (open_store); elsewhere start a Projector",
                                 name));
    }
    return &volume->inline_host();
}

Result<void> drop_databases(store::lmdb::WriteTxn& txn, const std::string& name) {
    const std::string prefix = prefix_of(name);
    auto names = store::lmdb::database_names(txn, prefix);
    if (!names) {
        return names.error();
    }
    bool some = false;
    for (const std::string& each : *names) {
        const std::string_view own = std::string_view(each).substr(prefix.size());
        if (own != Catalogue::kDatabase && !ModelTables::has_name(own)) {
            continue;
        }
        auto database = txn.find(each.c_str(), store::lmdb::Keys::bytes);
        auto ok = database ? txn.drop(**database) : database.error();
        if (!ok) {
            return ok;
        }
        some = true;
    }
    return some ? Result<void>()
                : Error(Errc::not_found,
                        fmt::format("there are no rows of an inline projection {}", name));
}

}  // namespace

class InlineProjection::Impl {
  public:
    Impl(EventStore& store, store::InlineHost& host, std::string name)
        : store_(store), host_(host), name_(std::move(name)) {}
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<void> attach(const AnyProjection& projection, const Clock& clock);
    const ReadModel& model() const { return *model_; }

  private:
    Result<void> write(const ModelHome::Change& change);
    Result<void> take_over(InlineBuild& build, const AnyProjection& projection);
    Result<void> retire_others(std::uint32_t number, bool active_too);

    EventStore& store_;
    store::InlineHost& host_;
    const std::string name_;
    bool claimed_ = false;
    bool alone_ = false;  // this thread holds up all commits
    std::unique_ptr<ReadModel> model_;
    std::shared_ptr<ModelVersion> version_;
    std::unique_ptr<InlineModel> attached_;
};

InlineProjection::Impl::~Impl() {
    if (attached_) {
        host_.detach(*attached_);
        version_->progress.set_state(ModelState::idle);
        version_->progress.set_checker({});
    }
    if (claimed_) {
        host_.release(name_);
    }
}

Result<void> InlineProjection::Impl::write(const ModelHome::Change& change) {
    return alone_ ? host_.write_alone(change)
                  : host_.alone([&] { return host_.write_alone(change); });
}

Result<void> InlineProjection::Impl::attach(const AnyProjection& projection, const Clock& clock) {
    auto ok = host_.claim(name_);
    if (!ok) {
        return ok;
    }
    claimed_ = true;
    auto core =
        ModelCore::within({host_.env(), prefix_of(name_),
                           [this](const ModelHome::Change& change) { return write(change); }},
                          clock);
    if (!core) {
        return core.error();
    }
    model_.reset(new ReadModel(std::move(*core)));
    ok = retire_others(projection.version, false);
    auto head = store_.position();
    if (!ok || !head) {
        return !ok ? ok : head.error();
    }
    auto version = model_->core().open_version(name_, projection.version, projection.rows, *head);
    if (!version) {
        return version.error();
    }
    version_ = std::move(*version);
    InlineBuild build(store_, model_->core(), version_, projection);
    ok = build.begin();
    if (ok) {
        ok = build.come_near();
    }
    if (ok) {
        ok = host_.alone([&] { return take_over(build, projection); });
    }
    return ok ? retire_others(projection.version, true) : ok;
}

// From the next request on.
Result<void> InlineProjection::Impl::take_over(InlineBuild& build,
                                               const AnyProjection& projection) {
    alone_ = true;
    auto end = build.finish();
    Result<void> ok = end ? Result<void>() : end.error();
    if (ok && model_->core().active() != version_) {
        ok = model_->promote(version_->number, std::chrono::milliseconds(0));
    }
    alone_ = false;
    if (!ok) {
        return ok;
    }
    attached_ =
        std::make_unique<InlineModel>(model_->core(), version_, projection, std::move(*end));
    version_->progress.set_checker(
        [&log = store_](const Position& position) { return check_position(log, position); });
    version_->progress.set_state(ModelState::running);
    host_.attach(*attached_);
    return {};
}

// What an earlier projection of the name left behind.
Result<void> InlineProjection::Impl::retire_others(std::uint32_t number, bool active_too) {
    for (const VersionStatus& each : model_->versions()) {
        if (each.version == number || (each.active && !active_too)) {
            continue;
        }
        if (auto ok = model_->retire(each.version); !ok) {
            return ok;
        }
    }
    return {};
}

InlineProjection::InlineProjection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
InlineProjection::~InlineProjection() = default;

const ReadModel& InlineProjection::model() const {
    return impl_->model();
}

Result<std::unique_ptr<InlineProjection>> InlineProjection::attach(EventStore& store,
                                                                   AnyProjection projection,
                                                                   const InlineOptions& options) {
    auto ok = check_projection(projection);
    if (ok) {
        ok = check_name(projection.name);
    }
    if (!ok) {
        return ok.error();
    }
    auto host = host_of(store, projection.name);
    if (!host) {
        return host.error();
    }
    auto impl = std::make_unique<Impl>(store, **host, projection.name);
    const Clock& clock = options.clock != nullptr ? *options.clock : SystemClock::instance();
    if (auto attached = impl->attach(projection, clock); !attached) {
        return attached.error();
    }
    return std::unique_ptr<InlineProjection>(new InlineProjection(std::move(impl)));
}

Result<void> InlineProjection::remove(EventStore& store, const std::string& name) {
    auto host = host_of(store, name);
    auto ok = host ? check_name(name) : host.error();
    if (ok) {
        ok = (*host)->claim(name);
    }
    if (!ok) {
        return ok;
    }
    ok = (*host)->alone([&] {
        return (*host)->write_alone(
            [&](store::lmdb::WriteTxn& txn) { return drop_databases(txn, name); });
    });
    (*host)->release(name);
    return ok;
}

}  // namespace skald::cqrs

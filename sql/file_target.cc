#include "sql/file_target.h"

#include <fmt/format.h>

#include "cqrs/limits.h"
#include "sql/limits.h"

namespace skald::sql {

FileTarget::FileTarget(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> reader,
                       const std::string& file, AnyProjection projection,
                       const FileOptions& options)
    : projection_(std::move(projection)),
      clock_(options.clock != nullptr ? *options.clock : SystemClock::instance()),
      connection_(std::move(connection)),
      reader_(std::move(reader)),
      catalogue_(connection_->database(), projection_.name),
      tables_(*connection_),
      lease_(file + "-lock",
             [this]() -> Result<std::uint64_t> {
                 const std::scoped_lock lock(reading_);
                 return attempt([this]() -> Result<std::uint64_t> {
                     auto found = Catalogue(reader_->database(), projection_.name).find();
                     if (!found) {
                         return found.error();
                     }
                     return *found ? (*found)->term : 0;
                 });
             }),
      work_(clock_) {}

Result<std::unique_ptr<FileTarget>> FileTarget::open(const std::string& file,
                                                     AnyProjection projection, const Position& head,
                                                     const FileOptions& options) {
    auto connection = Connection::open(file, Connection::Use::write, options.busy_timeout);
    if (!connection) {
        return connection.error();
    }
    auto reader = Connection::open(file, Connection::Use::read, options.busy_timeout);
    if (!reader) {
        return reader.error();
    }
    std::unique_ptr<FileTarget> target(new FileTarget(std::move(*connection), std::move(*reader),
                                                      file, std::move(projection), options));
    auto ok = target->in_transaction([&] { return target->prepare(head); });
    return ok ? Result<std::unique_ptr<FileTarget>>(std::move(target)) : ok.error();
}

template <typename Fn>
Result<void> FileTarget::in_transaction(const Fn& fn) {
    auto ok = connection_->begin();
    if (ok) {
        ok = attempt(fn);
    }
    if (ok) {
        ok = connection_->commit();
    }
    if (!ok) {
        connection_->rollback();
    }
    return ok;
}

Result<void> FileTarget::prepare(const Position& head) {
    catalogue_.create();
    auto found = catalogue_.find();
    if (!found) {
        return found.error();
    }
    if (!*found || (*found)->version < projection_.version) {
        return begin_version(*found, head);
    }
    if ((*found)->version > projection_.version) {
        return Error(Errc::invalid_argument,
                     fmt::format("the file holds version {} of projection {}, which is above {}",
                                 (*found)->version, projection_.name, projection_.version));
    }
    if (catalogue_.tables() != projection_.tables) {
        return Error(Errc::invalid_argument,
                     fmt::format("version {} of projection {} was built with other tables; give "
                                 "the new ones a higher version",
                                 projection_.version, projection_.name));
    }
    auto parked = catalogue_.parked({}, cqrs::limits::kParkedEventsMax);
    if (!parked) {
        return parked.error();
    }
    tell(**found, parked->size());
    return {};
}

Result<void> FileTarget::begin_version(const std::optional<Record>& before, const Position& head) {
    drop_tables();
    catalogue_.clear_parked();
    auto ok = make_tables();
    if (!ok) {
        return ok;
    }
    Record record;
    record.version = projection_.version;
    record.term = before ? before->term : 0;
    record.muted_until = before ? before->position : head;
    catalogue_.put(record);
    tell(record, 0);
    return {};
}

void FileTarget::drop_tables() {
    tables_.forget_statements();  // they hold the tables
    for (const Table& table : catalogue_.tables()) {
        connection_->database().exec(fmt::format("DROP TABLE IF EXISTS \"{}\"", table.name));
    }
}

Result<void> FileTarget::make_tables() {
    for (const Table& table : projection_.tables) {
        try {
            const Connection::Foreign foreign(*connection_);
            connection_->database().exec(table.definition);
        } catch (const SQLite::Exception& e) {
            Error error = error_of(e, Errc::invalid_argument);
            error.message = fmt::format("table {} of projection {}: {}", table.name,
                                        projection_.name, error.message);
            return error;
        }
        if (!catalogue_.exists(table.name)) {
            return Error(Errc::invalid_argument,
                         fmt::format("table {} of projection {}: its definition makes no such "
                                     "table",
                                     table.name, projection_.name));
        }
    }
    catalogue_.put_tables(projection_.tables);
    return {};
}

void FileTarget::tell(const Record& record, std::uint64_t parked) {
    work_.progress.committed({record.position, ++commits_, record.events, parked, record.complete});
}

std::string FileTarget::lease_name() const {
    return fmt::format("{}@{}", projection_.name, projection_.version);
}

Result<Record> FileTarget::ours() {
    auto found = catalogue_.find();
    if (!found) {
        return found.error();
    }
    if (!*found || (*found)->version != projection_.version) {
        return Error(Errc::store_failed,
                     fmt::format("the file no longer holds version {} of projection {}",
                                 projection_.version, projection_.name));
    }
    if ((*found)->term > term_) {
        return Error(Errc::fenced,
                     fmt::format("projector {}: another copy took over with term {}; ours is {}",
                                 lease_name(), (*found)->term, term_));
    }
    return std::move(**found);
}

Result<cqrs::ProjectionTarget::Committed> FileTarget::begin(std::uint64_t term) {
    connection_->rollback();
    tables_.effects().clear();
    events_ = 0;
    lost_ = false;
    term_ = term;
    Committed committed;
    auto ok = in_transaction([&]() -> Result<void> {
        auto record = ours();
        auto parked = catalogue_.parked({}, cqrs::limits::kParkedEventsMax);
        if (!record || !parked) {
            return !record ? record.error() : parked.error();
        }
        if (record->term < term_) {
            record->term = term_;
            catalogue_.put(*record);
        }
        committed = {std::move(record->position), record->complete, cqrs::ParkedEvents(*parked)};
        return {};
    });
    return ok ? Result<Committed>(std::move(committed)) : ok.error();
}

Result<void> FileTarget::open_batch() {
    if (lost_) {
        return Error(Errc::store_failed,
                     "SQLite rolled the transaction back in the middle of an event: a disk error, "
                     "or a conflict clause ROLLBACK of a handler");
    }
    if (connection_->in_transaction()) {
        return {};
    }
    auto ok = connection_->begin();
    if (!ok) {
        return ok;
    }
    auto record = attempt([this] { return ours(); });
    if (!record) {
        connection_->rollback();
        return record.error();
    }
    record_ = std::move(*record);
    return {};
}

bool FileTarget::full() const {
    return events_ >= cqrs::limits::kProjectBatchEvents;
}

// Nothing but failed events was in it.
void FileTarget::end_reading() {
    if (events_ == 0) {
        connection_->rollback();
    }
}

Result<void> FileTarget::begin_event(const EventView& event) {
    tables_.effects().begin_event(event.partition, event.offset);
    return attempt([this]() -> Result<void> {
        connection_->database().exec("SAVEPOINT skald_event");
        return {};
    });
}

Result<void> FileTarget::call_handler(const EventView& event) {
    Result<void> ok;
    try {
        const Connection::Foreign foreign(*connection_);
        ok = projection_.apply(tables_, event);
    } catch (const SQLite::Exception& e) {
        ok = error_of(e, Errc::handler_failed);
    }
    tables_.end_statements();
    if (ok) {
        ok = attempt([this]() -> Result<void> {
            connection_->database().exec("RELEASE skald_event");
            return {};
        });
    }
    events_ += ok ? 1 : 0;
    return ok;
}

void FileTarget::undo_event() {
    tables_.end_statements();
    tables_.effects().undo_event();
    SQLite::Database& database = connection_->database();
    if (database.tryExec("ROLLBACK TO skald_event; RELEASE skald_event") != SQLite::OK) {
        connection_->rollback();
        lost_ = true;
    }
}

Result<void> FileTarget::write(const Commit& commit) {
    record_.events += commit.events;
    record_.complete = record_.complete || commit.complete;
    record_.position = commit.position;
    catalogue_.put(record_);
    return catalogue_.write(*commit.parked);
}

Result<void> FileTarget::commit(const Commit& commit) {
    auto ok = open_batch();
    if (ok) {
        ok = attempt([&] { return write(commit); });
    }
    if (ok) {
        ok = connection_->commit();
    }
    if (!ok) {
        connection_->rollback();
        return ok;
    }
    events_ = 0;
    tell(record_, commit.parked->size());
    tables_.effects().run(record_.muted_until, work_.progress);
    return {};
}

Result<void> FileTarget::reset(const Position& muted_until) {
    connection_->rollback();
    Record record;
    auto ok = in_transaction([&]() -> Result<void> {
        auto before = catalogue_.find();
        if (!before || !*before || (*before)->version != projection_.version) {
            return !before ? before.error() : ours().error();
        }
        drop_tables();
        catalogue_.clear_parked();
        record.version = projection_.version;
        record.term = (*before)->term;
        record.muted_until = muted_until;
        catalogue_.put(record);
        return make_tables();
    });
    if (ok) {
        tell(record, 0);
    }
    return ok;
}

Result<std::vector<cqrs::ParkedEvents::Numbered>> FileTarget::parked(std::string_view key,
                                                                     std::size_t limit) const {
    const std::scoped_lock lock(reading_);
    return attempt(
        [&] { return Catalogue(reader_->database(), projection_.name).parked(key, limit); });
}

}  // namespace skald::sql

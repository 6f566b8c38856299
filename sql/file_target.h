// One projection in a SQLite file, for the projector that works on it.
//
// A batch is one transaction, an event a savepoint in it.
//
// Threads: cqrs/projection_target.h. parked() has a connection of its own.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cqrs/projection_target.h"
#include "skald/sql/projector.h"
#include "sql/catalogue.h"
#include "sql/connection.h"
#include "sql/file_lease.h"
#include "sql/handler_tables.h"

namespace skald::sql {

class FileTarget final : public cqrs::ProjectionTarget {
  public:
    // Makes the projection's tables unless they are there. `head` is where the log ends. Errors:
    // start_projector().
    static Result<std::unique_ptr<FileTarget>> open(const std::string& file,
                                                    AnyProjection projection, const Position& head,
                                                    const FileOptions& options);

    std::uint32_t version() const override { return projection_.version; }
    std::string lease_name() const override;
    cqrs::Lease& lease() override { return lease_; }
    const Selection& selection() const override { return projection_.selection; }
    bool handles(std::string_view type) const override { return projection_.handles(type); }
    cqrs::VersionWork& work() override { return work_; }
    const Clock& clock() const override { return clock_; }

    Result<Committed> begin(std::uint64_t term) override;
    Result<void> open_batch() override;
    bool empty() const override { return events_ == 0; }
    // A transaction keeps other writers of the file waiting.
    bool due() const override { return events_ > 0; }
    bool full() const override;
    void end_reading() override;
    Result<void> commit(const Commit& commit) override;
    Result<void> reset(const Position& muted_until) override;
    Result<std::vector<cqrs::ParkedEvents::Numbered>> parked(std::string_view key,
                                                             std::size_t limit) const override;

  private:
    FileTarget(std::unique_ptr<Connection> connection, std::unique_ptr<Connection> reader,
               const std::string& file, AnyProjection projection, const FileOptions& options);

    // In one transaction of its own; fn() returns Result<void>.
    template <typename Fn>
    Result<void> in_transaction(const Fn& fn);
    Result<void> prepare(const Position& head);
    Result<void> begin_version(const std::optional<Record>& before, const Position& head);
    Result<void> make_tables();
    void drop_tables();
    // Of our version; fenced when the file has gone on without us.
    Result<Record> ours();
    Result<void> write(const Commit& commit);
    void tell(const Record& record, std::uint64_t parked);

    Result<void> begin_event(const EventView& event) override;
    Result<void> call_handler(const EventView& event) override;
    void undo_event() override;

    const AnyProjection projection_;
    const Clock& clock_;
    const std::unique_ptr<Connection> connection_;
    mutable std::mutex reading_;  // guards the next
    const std::unique_ptr<Connection> reader_;
    Catalogue catalogue_;
    HandlerTables tables_;
    FileLease lease_;
    cqrs::VersionWork work_;

    std::uint64_t term_ = 0;
    std::uint64_t commits_ = 0;
    std::uint64_t events_ = 0;  // in the open transaction
    Record record_;             // as it was when the transaction was opened
    bool lost_ = false;         // the transaction ended, and the events in it
};

}  // namespace skald::sql

// A connection to a SQLite database, set up as read models need it, and what its errors mean.
//
// Threads: one at a time.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "skald/result.h"

namespace skald::sql {

// What stands for the disk, the file or another writer has a code of its own; the rest is
// `otherwise`.
Error error_of(const SQLite::Exception& e, Errc otherwise);

// fn()'s result, or what it threw; the rest of what SQLite says is our own fault, or the file's.
template <typename Fn>
auto attempt(const Fn& fn) -> decltype(fn()) {
    try {
        return fn();
    } catch (const SQLite::Exception& e) {
        return error_of(e, Errc::store_failed);
    }
}

class Connection {
  public:
    enum class Use : bool { read, write };
    // `write` makes the file, and sets it to WAL mode.
    static Result<std::unique_ptr<Connection>> open(const std::string& file, Use use,
                                                    std::chrono::milliseconds busy_timeout);

    SQLite::Database& database() { return database_; }
    // BEGIN IMMEDIATE: waits for other writers.
    Result<void> begin();
    Result<void> commit();
    // Nothing when no transaction is open.
    void rollback();
    bool in_transaction() const;

    // While it lives, what is prepared is foreign: it cannot end the transaction, nor change our
    // tables.
    class Foreign {
      public:
        explicit Foreign(Connection& connection) : connection_(connection) {
            connection_.foreign_ = true;
        }
        ~Foreign() { connection_.foreign_ = false; }
        Foreign(const Foreign&) = delete;
        Foreign& operator=(const Foreign&) = delete;

      private:
        Connection& connection_;
    };

  private:
    Connection(const std::string& file, Use use, std::chrono::milliseconds busy_timeout);
    static int authorize(void* self, int action, const char* first, const char* second,
                         const char* database, const char* trigger);

    SQLite::Database database_;
    bool foreign_ = false;
};

}  // namespace skald::sql

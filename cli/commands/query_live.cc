#include "cli/commands/query_live.h"

#include <fmt/format.h>

#include <mutex>

#include "cli/output.h"
#include "cli/row_table.h"

namespace skald::cli {
namespace {

using cqrs::LiveDelta;
using cqrs::LiveOp;
using cqrs::LiveRow;

// Prints on the live query's thread: a slow reader of our output makes it fall behind, and it is
// told the rows anew.
class Printer final : public cqrs::LiveHandler<std::string> {
  public:
    Printer(const LiveWords& words, const Invocation& invocation)
        : as_text_(!invocation.globals.json &&
                   (invocation.globals.text || invocation.console.out_is_terminal)),
          left_(words.count),
          stop_(invocation.console.stop),
          output_(invocation) {}

    void on_snapshot(const cqrs::LiveSnapshot<std::string>& snapshot) override {
        if (done_) {
            return;
        }
        const std::string at = to_token(snapshot.position);
        std::vector<std::string> rows;
        for (const LiveRow<std::string>& each : snapshot.rows) {
            if (as_text_) {
                rows.push_back(each.row);
            } else {
                output_.line(fmt::format(
                    R"({{"op":"snapshot","key":{},"row":{},"version":{},"position":"{}"}})",
                    each.key, each.row, snapshot.version, at));
            }
        }
        for (const std::string& line : row_table(rows)) {
            output_.line(line);
        }
        flush();
    }

    void on_deltas(const cqrs::LiveDeltas<std::string>& deltas) override {
        const std::string at = to_token(deltas.position);
        for (const LiveDelta<std::string>& each : deltas.deltas) {
            if (done_) {
                return;
            }
            print(each, at);
            if (left_ && --*left_ == 0) {
                end();
            }
        }
        flush();
    }

    void on_resync(cqrs::Resync why) override {
        if (!done_) {
            const std::string_view name = cqrs::name_of(why);
            output_.line(as_text_ ? fmt::format("resync   {}", name)
                                  : fmt::format(R"({{"op":"resync","why":"{}"}})", name));
            flush();
        }
    }

    void on_ended(const Error& reason) override {
        if (!done_) {
            fail(reason);
        }
    }

    std::optional<Error> error() {
        const std::scoped_lock lock(mutex_);
        return error_;
    }

  private:
    void print(const LiveDelta<std::string>& delta, const std::string& at) {
        const bool put = delta.op == LiveOp::put;
        if (as_text_) {
            output_.line(put ? "put      " + delta.row : "removed  " + delta.key);
        } else if (put) {
            output_.line(fmt::format(R"({{"op":"put","key":{},"row":{},"position":"{}"}})",
                                     delta.key, delta.row, at));
        } else {
            output_.line(
                fmt::format(R"({{"op":"removed","key":{},"position":"{}"}})", delta.key, at));
        }
    }
    void end() {
        flush();
        done_ = true;
        stop_.request();
    }
    void fail(const Error& error) {
        const std::scoped_lock lock(mutex_);
        error_ = error_ ? error_ : error;
        done_ = true;
        stop_.request();
    }
    void flush() {
        if (auto flushed = output_.flush(); !flushed) {
            fail(flushed.error());
        }
    }

    const bool as_text_;
    std::optional<std::uint64_t> left_;
    const StopSignal& stop_;
    Output output_;
    bool done_ = false;  // of the live query's thread
    std::mutex mutex_;
    std::optional<Error> error_;  // guarded by mutex_
};

}  // namespace

Result<void> follow_rows(ModelSession& session, const LiveWords& words,
                         const Invocation& invocation) {
    const StopSignal& stop = invocation.console.stop;
    const std::uint32_t version = words.query.version;
    Printer printer(words, invocation);
    const auto begin = [&] { return session.models().live(words.model, words.query, printer); };
    const auto catch_up = [&]() -> Result<void> {
        auto ok = session.catch_up(invocation, words.model, version);
        return ok || !stop.requested() ? std::move(ok) : Result<void>();
    };
    if (words.query.at_least) {
        if (auto ok = catch_up(); !ok) {
            return ok;
        }
    }
    auto live = begin();
    if (!live && live.error().code == Errc::not_ready) {
        if (auto ok = catch_up(); !ok) {
            return ok;
        }
        live = begin();
    }
    if (!live) {
        return live.error();
    }
    if (auto ok = catch_up(); !ok) {
        return ok;
    }
    stop.wait();
    (*live)->close();
    const auto error = printer.error();
    return error ? *error : Result<void>();
}

}  // namespace skald::cli

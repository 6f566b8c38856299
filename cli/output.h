// Standard output of a command: text or JSON, gathered and written in large pieces.
#pragma once

#include <ostream>
#include <string>

#include "cli/command.h"
#include "skald/event_store.h"

namespace skald::cli {

// One thread at a time.
class Output {
  public:
    explicit Output(const Invocation& invocation);
    ~Output() { write(); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // One line each.
    void event(const EventView& event);
    void event_json(const EventView& event);
    void receipt(const Receipt& receipt);
    // Of an event that was not stored.
    void ephemeral_receipt(std::string_view stream, const Uuid& id);
    // That so many ephemeral events were dropped.
    void dropped(std::uint64_t events);
    void stream(const StreamInfo& info);
    void error_json(const Error& error);
    // Text or JSON, as it is.
    void line(std::string_view text);

    // Whether reports are to be JSON documents.
    bool json() const { return json_; }
    // Puts what was gathered where its reader sees it. io_error when it cannot be written.
    Result<void> flush();

  private:
    void write();
    void end_line();

    std::ostream& out_;
    bool json_;
    bool json_lines_;  // for events and receipts
    bool colours_;
    bool verbose_;
    std::string buffer_;
};

// A number with its noun: "1 batch", "2 batches".
std::string counted(std::uint64_t number, std::string_view one, std::string_view many);

// "0-9", both ends included, of what begins at `first` and ends before `next`; "none".
std::string offset_range(Offset first, Offset next);

// One JSON object, without a line break.
void append_stream_info(std::string& out, const StreamInfo& info);

}  // namespace skald::cli

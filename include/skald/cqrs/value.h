// Values on their way out of a C++ object and into one: what a codec implements and what the fields
// of an event, a snapshot or a rejection are written to and read from. Applications meet these only
// when they teach skald a type of their own (Values<T> in fields.h).
//
// Threads: one object, one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skald::cqrs {

// Takes one value. A record is begin_record, then key and value by turns, then end_record.
class ValueWriter {
  public:
    virtual ~ValueWriter() = default;
    virtual void null() = 0;
    virtual void boolean(bool value) = 0;
    virtual void signed_integer(std::int64_t value) = 0;
    virtual void unsigned_integer(std::uint64_t value) = 0;
    virtual void number(double value) = 0;
    virtual void text(std::string_view value) = 0;
    virtual void begin_list() = 0;
    virtual void end_list() = 0;
    virtual void begin_record() = 0;
    virtual void key(std::string_view name) = 0;
    virtual void end_record() = 0;
    // The value cannot be written. The first reason is kept; what is written after it is lost.
    virtual void fail(std::string_view why) = 0;
};

// Gives one value. Each call takes what comes next when it is of that kind; else it is a failure,
// returns false, and every later call returns false too.
class ValueReader {
  public:
    virtual ~ValueReader() = default;
    // Takes a null when one comes next; false is no failure.
    virtual bool null() = 0;
    virtual bool boolean(bool& value) = 0;
    // A number with a fraction, an exponent or out of range is a failure.
    virtual bool signed_integer(std::int64_t& value) = 0;
    virtual bool unsigned_integer(std::uint64_t& value) = 0;
    virtual bool number(double& value) = 0;
    virtual bool text(std::string& value) = 0;
    virtual bool begin_list() = 0;
    // True when a value of the list follows; at the end it takes the end.
    virtual bool next_item() = 0;
    virtual bool begin_record() = 0;
    // True when a field follows; `name` is valid until the next call. At the end it takes the end.
    virtual bool next_key(std::string_view& name) = 0;
    // Takes the next value, whatever it is.
    virtual bool skip() = 0;
    // Says that something else was expected where the last value stood. Returns false.
    virtual bool fail(std::string_view expected) = 0;
    // Says that a record lacks a field it must have.
    virtual void missing(std::string_view field) = 0;
    virtual bool failed() const = 0;
    // On the way back from a failure: it happened inside this field.
    virtual void inside(std::string_view field) = 0;
};

}  // namespace skald::cqrs

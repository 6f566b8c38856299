// Values as JSON (RFC 8259). Integers keep all 64 bits, doubles read back as they were, text is
// UTF-8.
//
// Threads: one object, one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "skald/cqrs/value.h"
#include "skald/result.h"

namespace skald::cqrs {

class JsonWriter final : public ValueWriter {
  public:
    void null() override;
    void boolean(bool value) override;
    void signed_integer(std::int64_t value) override;
    void unsigned_integer(std::uint64_t value) override;
    void number(double value) override;          // finite, else a failure
    void text(std::string_view value) override;  // UTF-8, else a failure
    void begin_list() override;
    void end_list() override;
    void begin_record() override;
    void key(std::string_view name) override;
    void end_record() override;
    void fail(std::string_view why) override;

    // The text; invalid_event when a value could not be written.
    Result<std::string> take() &&;

  private:
    void separate();

    std::string out_;
    std::string failure_;
    bool first_ = true;  // of its list or record
};

// The text outlives the reader. It is looked at as it is read: what is malformed behind a failure
// is not noticed.
class JsonReader final : public ValueReader {
  public:
    explicit JsonReader(std::string_view text);

    bool null() override;
    bool boolean(bool& value) override;
    bool signed_integer(std::int64_t& value) override;
    bool unsigned_integer(std::uint64_t& value) override;
    bool number(double& value) override;
    bool text(std::string& value) override;
    bool begin_list() override;
    bool next_item() override;
    bool begin_record() override;
    bool next_key(std::string_view& name) override;
    bool skip() override;
    bool fail(std::string_view expected) override;
    void missing(std::string_view field) override;
    bool failed() const override { return !failure_.empty(); }
    void inside(std::string_view field) override;

    // After the last value: malformed when anything failed or more text follows. The message is
    // `field lines.2.cents: expected an integer, found "ten"`.
    Result<void> finish();

  private:
    bool take_slice(std::string_view expected);
    bool take(char c);
    bool enter(char open, std::string_view expected);
    bool more(char close);
    template <typename Int>
    bool integer(Int& value, std::string_view expected);

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t value_at_ = 0;  // of the value taken last
    bool first_ = false;        // the next item or key is the first of its list or record
    int depth_ = 0;
    std::string key_;
    std::string failure_;
    std::string path_;
};

}  // namespace skald::cqrs

// Where bytes come from: a file, standard input, a text in memory; gzip_reader.h wraps one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cli/stop_signal.h"
#include "skald/result.h"

namespace skald::cli {

class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // What is there, 1 to `size` bytes, waiting for the first; 0 at the end.
    virtual Result<std::size_t> read(char* to, std::size_t size) = 0;
    // For a progress bar: how far it is, and how long when that is known.
    virtual std::uint64_t bytes_read() const = 0;
    virtual std::optional<std::uint64_t> bytes_total() const { return std::nullopt; }
};

class MemorySource final : public ByteSource {
  public:
    explicit MemorySource(std::string text) : text_(std::move(text)) {}
    Result<std::size_t> read(char* to, std::size_t size) override;
    std::uint64_t bytes_read() const override { return at_; }

  private:
    std::string text_;
    std::size_t at_ = 0;
};

// A file descriptor. A requested stop ends it with shutting_down: what was read is not all.
class FileSource final : public ByteSource {
  public:
    // not_found or io_error.
    static Result<std::unique_ptr<FileSource>> open(const std::string& path,
                                                    const StopSignal& stop);
    static std::unique_ptr<FileSource> standard_input(const StopSignal& stop);
    ~FileSource() override;
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;

    Result<std::size_t> read(char* to, std::size_t size) override;
    std::uint64_t bytes_read() const override { return read_; }
    std::optional<std::uint64_t> bytes_total() const override { return total_; }

  private:
    FileSource(std::string name, int fd, bool owned, const StopSignal& stop);
    bool wait_for_input() const;

    std::string name_;
    int fd_;
    bool owned_;
    const StopSignal& stop_;
    std::uint64_t read_ = 0;
    std::optional<std::uint64_t> total_;
};

// Everything up to the end; request_too_large when that is more than `bytes_max`.
Result<std::string> read_all(ByteSource& source, std::size_t bytes_max);

}  // namespace skald::cli

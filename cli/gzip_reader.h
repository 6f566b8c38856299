// Input that may be gzip: told by its first two bytes, unpacked on the way.
#pragma once

#include <memory>
#include <string>

#include "cli/byte_source.h"

namespace skald::cli {

// Several gzip members in a row read as one text. Broken or cut-off input is `corrupt`.
class GzipReader final : public ByteSource {
  public:
    explicit GzipReader(ByteSource& packed);
    ~GzipReader() override;
    GzipReader(const GzipReader&) = delete;
    GzipReader& operator=(const GzipReader&) = delete;

    Result<std::size_t> read(char* to, std::size_t size) override;
    std::uint64_t bytes_read() const override { return packed_.bytes_read(); }
    std::optional<std::uint64_t> bytes_total() const override { return packed_.bytes_total(); }

  private:
    enum class Form { unknown, plain, gzip };
    struct Inflater;

    Result<void> sniff();
    Result<bool> fill();
    Result<std::size_t> read_plain(char* to, std::size_t size);
    Result<std::size_t> read_gzip(char* to, std::size_t size);

    ByteSource& packed_;
    Form form_ = Form::unknown;
    std::string buffer_;  // read from packed_
    std::size_t at_ = 0;  // in buffer_
    bool in_member_ = false;
    std::unique_ptr<Inflater> inflater_;
};

}  // namespace skald::cli

#include "cli/gzip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <limits>

namespace skald::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr int kGzipWindow = 15 + 16;  // zlib: the largest window, gzip header wanted

Error broken(const char* why) {
    return {Errc::corrupt, std::string("gzip input is broken: ") + why};
}

}  // namespace

struct GzipReader::Inflater {
    z_stream stream{};
    bool ready = inflateInit2(&stream, kGzipWindow) == Z_OK;

    Inflater() = default;
    ~Inflater() { inflateEnd(&stream); }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
};

GzipReader::GzipReader(ByteSource& packed) : packed_(packed) {}
GzipReader::~GzipReader() = default;

// Reads on behind what buffer_ still holds. False at the end.
Result<bool> GzipReader::fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kBufferBytes);
    auto got = packed_.read(buffer_.data() + kept, kBufferBytes);
    buffer_.resize(kept + (got ? *got : 0));
    if (!got) {
        return got.error();
    }
    return *got > 0;
}

Result<void> GzipReader::sniff() {
    while (buffer_.size() < kGzipMagic.size() && kGzipMagic.starts_with(buffer_)) {
        auto more = fill();
        if (!more) {
            return more.error();
        }
        if (!*more) {
            break;
        }
    }
    form_ = buffer_.starts_with(kGzipMagic) ? Form::gzip : Form::plain;
    if (form_ == Form::gzip) {
        inflater_ = std::make_unique<Inflater>();
        in_member_ = true;
        if (!inflater_->ready) {
            return Error(Errc::io_error, "zlib cannot start");
        }
    }
    return {};
}

Result<std::size_t> GzipReader::read(char* to, std::size_t size) {
    if (form_ == Form::unknown) {
        if (auto known = sniff(); !known) {
            return known.error();
        }
    }
    return form_ == Form::plain ? read_plain(to, size) : read_gzip(to, size);
}

Result<std::size_t> GzipReader::read_plain(char* to, std::size_t size) {
    if (at_ == buffer_.size()) {
        return packed_.read(to, size);
    }
    const std::size_t taken = std::min(size, buffer_.size() - at_);
    std::memcpy(to, buffer_.data() + at_, taken);
    at_ += taken;
    return taken;
}

Result<std::size_t> GzipReader::read_gzip(char* to, std::size_t size) {
    z_stream& stream = inflater_->stream;
    const auto wanted =
        static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
    while (true) {
        if (at_ == buffer_.size()) {
            auto more = fill();
            if (!more) {
                return more.error();
            }
            if (!*more) {
                return in_member_ ? Result<std::size_t>(broken("it ends too early"))
                                  : Result<std::size_t>(std::size_t{0});
            }
        }
        if (!in_member_) {
            inflateReset2(&stream, kGzipWindow);
            in_member_ = true;
        }
        stream.next_in = reinterpret_cast<Bytef*>(buffer_.data() + at_);
        stream.avail_in = static_cast<uInt>(buffer_.size() - at_);
        stream.next_out = reinterpret_cast<Bytef*>(to);
        stream.avail_out = wanted;
        const int state = inflate(&stream, Z_NO_FLUSH);
        at_ = buffer_.size() - stream.avail_in;
        if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR) {
            return broken(stream.msg != nullptr ? stream.msg : "unknown form");
        }
        in_member_ = state != Z_STREAM_END;
        if (stream.avail_out < wanted) {
            return std::size_t{wanted - stream.avail_out};
        }
    }
}

}  // namespace skald::cli

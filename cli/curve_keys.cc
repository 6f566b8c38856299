#include "cli/curve_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace skald::cli {
namespace {

constexpr std::string_view kZ85 =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kKeyCharacters = 40;
using Key = std::array<unsigned char, kKeyBytes>;
static_assert(crypto_box_SECRETKEYBYTES == kKeyBytes && crypto_box_PUBLICKEYBYTES == kKeyBytes);

std::string text_of(const Key& key) {
    return z85_encode({reinterpret_cast<const char*>(key.data()), key.size()});
}

// A descriptor that closes itself.
class File {
  public:
    explicit File(int fd) : fd_(fd) {}
    ~File() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int fd() const { return fd_; }

  private:
    int fd_;
};

Error failed(const std::string& path, Errc otherwise) {
    return {errno == EEXIST   ? Errc::already_exists
            : errno == ENOENT ? Errc::not_found
                              : otherwise,
            errno == EEXIST
                ? fmt::format("{}: a file is there already: name another, or remove it", path)
                : fmt::format("{}: {}", path, std::strerror(errno))};
}

}  // namespace

CurveKeys make_curve_keys() {
    SKALD_CHECK(sodium_init() >= 0, "libsodium found no source of randomness");
    Key public_key;
    Key secret_key;
    crypto_box_keypair(public_key.data(), secret_key.data());
    CurveKeys keys{text_of(public_key), text_of(secret_key)};
    sodium_memzero(secret_key.data(), secret_key.size());
    return keys;
}

Result<CurveKeys> key_pair_of(std::string_view secret_key) {
    const auto bytes = z85_decode(secret_key);
    if (!bytes || bytes->size() != kKeyBytes) {
        return Error(Errc::invalid_argument, "not a CURVE key: 40 characters of Z85 are wanted");
    }
    Key public_key;
    crypto_scalarmult_base(public_key.data(),
                           reinterpret_cast<const unsigned char*>(bytes->data()));
    return CurveKeys{text_of(public_key), std::string(secret_key)};
}

Result<void> write_secret_key(const std::string& path, std::string_view secret_key) {
    const File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd() < 0) {
        return failed(path, Errc::io_error);
    }
    const std::string line = std::string(secret_key) + '\n';
    const ssize_t written = ::write(file.fd(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size()) || ::fsync(file.fd()) != 0) {
        return failed(path, Errc::io_error);
    }
    return {};
}

Result<std::string> read_secret_key(const std::string& path) {
    const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0) {
        return failed(path, Errc::io_error);
    }
    if ((status.st_mode & 077) != 0) {
        return Error(Errc::invalid_argument,
                     fmt::format("{}: others may read this secret key: chmod 600 it", path));
    }
    std::array<char, kKeyCharacters + 2> text{};
    const ssize_t got = ::read(file.fd(), text.data(), text.size());
    if (got < 0) {
        return failed(path, Errc::io_error);
    }
    std::string key(text.data(), static_cast<std::size_t>(got));
    key.erase(key.find_last_not_of("\r\n") + 1);
    if (auto pair = key_pair_of(key); !pair) {
        return Error(pair.error().code, fmt::format("{}: {}", path, pair.error().message));
    }
    return key;
}

std::string z85_encode(std::string_view bytes) {
    SKALD_CHECK(bytes.size() % 4 == 0, "Z85 takes whole groups of four bytes");
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            group = group << 8 | static_cast<unsigned char>(bytes[at + i]);
        }
        for (std::uint32_t scale = 85 * 85 * 85 * 85; scale > 0; scale /= 85) {
            text += kZ85[group / scale % 85];
        }
    }
    return text;
}

std::optional<std::string> z85_decode(std::string_view text) {
    if (text.size() % 5 != 0) {
        return std::nullopt;
    }
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += 5) {
        std::uint64_t group = 0;
        for (std::size_t i = 0; i < 5; ++i) {
            const std::size_t digit = kZ85.find(text[at + i]);
            if (digit == std::string_view::npos) {
                return std::nullopt;
            }
            group = group * 85 + digit;
        }
        if (group > 0xffffffff) {
            return std::nullopt;
        }
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes += static_cast<char>(group >> shift & 0xff);
        }
    }
    return bytes;
}

}  // namespace skald::cli

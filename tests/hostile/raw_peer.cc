#include "tests/hostile/raw_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "wire/envelope.h"

namespace skald::hostile {
namespace {

constexpr unsigned kMore = 1;
constexpr unsigned kLong = 2;
constexpr unsigned kCommand = 4;
constexpr std::size_t kShortBytesMax = 255;
constexpr std::size_t kMechanismBytes = 20;
constexpr std::size_t kGreetingBytes = 64;
constexpr int kHandshakeMs = 10'000;

template <typename Int>
std::string big_endian(Int value) {
    std::string bytes;
    for (std::size_t i = sizeof value; i-- > 0;) {
        bytes.push_back(static_cast<char>(value >> (8 * i)));
    }
    return bytes;
}

std::string framed(unsigned flags, std::string_view bytes) {
    const bool is_long = bytes.size() > kShortBytesMax;
    std::string all(1, static_cast<char>(flags | (is_long ? kLong : 0U)));
    all += is_long ? big_endian(std::uint64_t{bytes.size()})
                   : std::string(1, static_cast<char>(bytes.size()));
    return all.append(bytes);
}

int connect_ipc(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return -1;
    }
    path.copy(address.sun_path, path.size());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int connect_tcp(const std::string& where, int receive_buffer) {
    const std::size_t colon = where.rfind(':');
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(where.substr(colon + 1))));
    inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Only before the connection does it bound the window.
    if (fd >= 0 && receive_buffer != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

}  // namespace

std::string greeting() {
    std::string text("\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01", 12);
    text += "NULL";
    text.resize(12 + kMechanismBytes, '\0');
    text.resize(kGreetingBytes, '\0');
    return text;
}

std::string ready_command() {
    std::string body = "\x05READY\x0bSocket-Type";
    body += big_endian(std::uint32_t{6}) + "DEALER";
    return framed(kCommand, body);
}

std::string ping_command(int ttl_ms) {
    return framed(kCommand, "\x04PING" + big_endian(static_cast<std::uint16_t>(ttl_ms / 100)));
}

std::string frame(std::string_view bytes, bool more) {
    return framed(more ? kMore : 0U, bytes);
}

std::string message(const wire::msg::FromClient& message, std::string_view body) {
    static thread_local wire::EnvelopeEncoder encoder;
    std::string bytes = frame(as_text(encoder.encode(message)), !body.empty());
    return body.empty() ? bytes : bytes + frame(body, false);
}

std::unique_ptr<RawPeer> RawPeer::connect(const std::string& endpoint, int receive_buffer) {
    const int fd = endpoint.starts_with("ipc://") ? connect_ipc(endpoint.substr(6))
                                                  : connect_tcp(endpoint.substr(6), receive_buffer);
    if (fd < 0) {
        return nullptr;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return std::unique_ptr<RawPeer>(new RawPeer(fd));
}

RawPeer::~RawPeer() {
    close(fd_);
}

std::size_t RawPeer::write(std::string_view bytes) {
    const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
        return static_cast<std::size_t>(n);
    }
    return errno == EAGAIN || errno == EINTR ? 0 : std::string::npos;
}

bool RawPeer::read(std::string* into) {
    static thread_local char buffer[65536];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0 && into != nullptr) {
        into->append(buffer, static_cast<std::size_t>(n));
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

bool RawPeer::read_exactly(char* into, std::size_t bytes) {
    while (bytes != 0) {
        pollfd ready{fd_, POLLIN, 0};
        const ssize_t n = poll(&ready, 1, kHandshakeMs) <= 0 ? 0 : recv(fd_, into, bytes, 0);
        if (n <= 0) {
            return false;
        }
        into += n;
        bytes -= static_cast<std::size_t>(n);
    }
    return true;
}

bool RawPeer::shake_hands() {
    const std::string ours = greeting() + ready_command();
    char theirs[kShortBytesMax];
    return write(ours) == ours.size() && read_exactly(theirs, kGreetingBytes) &&
           read_exactly(theirs, 2) && read_exactly(theirs, static_cast<unsigned char>(theirs[1]));
}

void RawPeer::reset_at_close() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace skald::hostile

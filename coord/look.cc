#include "coord/look.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "coord/limits.h"
#include "coord/record.h"

namespace skald::coord {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::string_view kHttp = "http://";
constexpr std::uint16_t kHttpPort = 80;

// What is no part of a line of HTTP.
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_host(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("-._:%").find(c) != std::string_view::npos;
    });
}

// host, host:port, [address] or [address]:port.
std::optional<Target> split(std::string_view text, std::uint16_t port_if_none) {
    Target target;
    const bool bracketed = text.starts_with('[');
    const std::size_t close = bracketed ? text.find(']') : text.find(':');
    const std::size_t end = std::min(close, text.size());
    target.host = text.substr(bracketed ? 1 : 0, end - (bracketed ? 1 : 0));
    std::string_view rest = text.substr(end);
    if (bracketed && !rest.empty()) {
        rest.remove_prefix(1);
    }
    target.port = port_if_none;
    if (!rest.empty()) {
        const char* const last = rest.data() + rest.size();
        const auto read = std::from_chars(rest.data() + 1, last, target.port);
        if (rest.front() != ':' || read.ptr != last || read.ec != std::errc()) {
            return std::nullopt;
        }
    }
    const bool whole = !bracketed || close != std::string_view::npos;
    return whole && is_host(target.host) && target.port != 0 ? std::optional(target) : std::nullopt;
}

Error failure(std::string why) {
    return {Errc::unreachable, std::move(why)};
}

// Lives on the stack of who looks.
class Looking {
  public:
    Looking(const Probe& probe, Target target)
        : target_(std::move(target)), http_(probe.kind == Probe::Kind::http) {}

    Result<void> run(std::chrono::milliseconds timeout, const std::stop_token& stop) {
        ErrorCode error;
        const auto address = asio::ip::make_address(target_.host, error);
        if (!error) {
            connect(std::vector{Tcp::endpoint(address, target_.port)});
        } else {
            resolve();
        }
        const std::stop_callback stopped(stop, [this] { io_.stop(); });
        io_.run_for(timeout);
        return outcome_.value_or(
            Error(Errc::timed_out, fmt::format("no answer within {} ms", timeout.count())));
    }

  private:
    void resolve() {
        resolver_.async_resolve(target_.host, std::to_string(target_.port),
                                [this](ErrorCode error, const Tcp::resolver::results_type& found) {
                                    if (error) {
                                        outcome_ = failure(error.message());
                                        return;
                                    }
                                    std::vector<Tcp::endpoint> endpoints(found.begin(),
                                                                         found.end());
                                    connect(std::move(endpoints));
                                });
    }
    void connect(std::vector<Tcp::endpoint> endpoints) {
        endpoints_ = std::move(endpoints);
        stream_.async_connect(endpoints_, [this](ErrorCode error, const Tcp::endpoint&) {
            if (error || !http_) {
                outcome_ = error ? Result<void>(failure(error.message())) : Result<void>();
                return;
            }
            ask();
        });
    }
    void ask() {
        request_ = {beast::http::verb::get, target_.path, 11};
        request_.set(beast::http::field::host, target_.authority);
        request_.set(beast::http::field::user_agent, "skald");
        request_.set(beast::http::field::connection, "close");
        parser_.header_limit(kAnswerHeadBytesMax);
        beast::http::async_write(stream_, request_, [this](ErrorCode error, std::size_t) {
            if (error) {
                outcome_ = failure(error.message());
                return;
            }
            beast::http::async_read_header(stream_, buffer_, parser_,
                                           [this](ErrorCode failed, std::size_t) { take(failed); });
        });
    }
    void take(const ErrorCode& error) {
        const auto status = parser_.get().result_int();
        if (error) {
            outcome_ = failure(error.message());
        } else if (status < 200 || status > 299) {
            outcome_ = failure(fmt::format("HTTP status {}", status));
        } else {
            outcome_ = Result<void>();
        }
    }

    const Target target_;
    const bool http_;
    asio::io_context io_{1};
    Tcp::resolver resolver_{io_};
    beast::tcp_stream stream_{io_};
    std::vector<Tcp::endpoint> endpoints_;
    beast::http::request<beast::http::empty_body> request_;
    beast::flat_buffer buffer_;
    beast::http::response_parser<beast::http::empty_body> parser_;
    std::optional<Result<void>> outcome_;
};

}  // namespace

Result<Target> target_of(const Probe& probe) {
    const std::string_view text = probe.target;
    std::optional<Target> target;
    if (probe.kind == Probe::Kind::tcp) {
        target = split(text, 0);
    } else if (probe.kind == Probe::Kind::http && text.starts_with(kHttp)) {
        const std::string_view rest = text.substr(kHttp.size());
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        target = split(rest.substr(0, slash), kHttpPort);
        if (target) {
            target->authority = rest.substr(0, slash);
            target->path = slash == rest.size() ? "/" : rest.substr(slash);
        }
    }
    if (!target || !is_plain(text)) {
        return refused(fmt::format(
            "the target of a probe is {}: {:?} is not",
            probe.kind == Probe::Kind::http ? "http://host[:port]/path" : "host:port", text));
    }
    return std::move(*target);
}

Result<void> look(const Probe& probe, const std::stop_token& stop) {
    auto target = target_of(probe);
    if (!target) {
        return target.error();
    }
    return Looking(probe, std::move(*target)).run(probe.timeout, stop);
}

}  // namespace skald::coord

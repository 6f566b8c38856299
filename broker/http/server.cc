#include "broker/http/server.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <thread>

namespace skald::broker::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kConnectionsMax = 256;
constexpr std::uint32_t kHeaderBytesMax = 8 * 1024;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::size_t kDrainBytes = 4096;
constexpr int kDrainReadsMax = 64;
constexpr auto kDrainMax = std::chrono::seconds(2);
constexpr auto kSilenceMax = std::chrono::seconds(30);

using BeastRequest = beast::http::request<beast::http::empty_body>;
using BeastResponse = beast::http::response<beast::http::string_body>;

BeastResponse reply_of(Response response, unsigned version) {
    BeastResponse reply(static_cast<beast::http::status>(response.status), version);
    reply.set(beast::http::field::server, "skald");
    reply.set(beast::http::field::content_type, response.content_type);
    const std::size_t bytes = response.body.size();
    reply.body() = std::move(response.body);
    reply.content_length(bytes);
    return reply;
}

bool is_served(beast::http::verb verb) {
    return verb == beast::http::verb::get || verb == beast::http::verb::head;
}

BeastResponse answer(const BeastRequest& request, const Handler& handler) {
    const std::string target(request.target());
    BeastResponse reply =
        reply_of(handler({target.substr(0, target.find('?'))}), request.version());
    reply.keep_alive(request.keep_alive());
    if (request.method() == beast::http::verb::head) {
        reply.body().clear();
    }
    return reply;
}

// Not the end of the connection, but bytes that are no request of ours.
bool is_malformed(ErrorCode error) {
    return error.category() == make_error_code(beast::http::error::bad_method).category() &&
           error != beast::http::error::end_of_stream &&
           error != beast::http::error::partial_message;
}

// Of a request that is not served. What follows it cannot be told from its body.
BeastResponse refusal(const BeastRequest& request, bool read_whole) {
    const bool other_verb = !request.method_string().empty() && !is_served(request.method());
    BeastResponse reply = other_verb
                              ? reply_of({405, "text/plain", "only GET and HEAD are served\n"}, 11)
                              : reply_of({400, "text/plain", "not a request that is served\n"}, 11);
    if (other_verb) {
        reply.set(beast::http::field::allow, "GET, HEAD");
    }
    reply.keep_alive(read_whole && request.keep_alive());
    return reply;
}

// One connection; lives as long as an operation of it is under way.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Tcp::socket socket, const Handler& handler, std::shared_ptr<void> place)
        : stream_(std::move(socket)), handler_(handler), place_(std::move(place)) {}

    void read() {
        parser_.emplace();
        parser_->header_limit(kHeaderBytesMax);
        parser_->body_limit(0);
        stream_.expires_after(kSilenceMax);
        beast::http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](ErrorCode error, std::size_t) { self->take(error); });
    }

  private:
    void take(ErrorCode error) {
        const BeastRequest& request = parser_->get();
        if (!error && is_served(request.method())) {
            reply_ = answer(request, handler_);
        } else if (!error || is_malformed(error)) {
            reply_ = refusal(request, !error);
        } else {
            return;
        }
        write();
    }

    void write() {
        stream_.expires_after(kSilenceMax);
        beast::http::async_write(stream_, reply_,
                                 [self = shared_from_this()](ErrorCode error, std::size_t) {
                                     if (!error && self->reply_.keep_alive()) {
                                         self->read();
                                     } else if (!error) {
                                         self->end();
                                     }
                                 });
    }

    void end() {
        ErrorCode ignored;
        stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kDrainMax);
        drain();
    }
    // Closing with bytes unread would reset the connection, and the answer might not arrive.
    void drain() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(kDrainBytes),
                                [self = shared_from_this()](ErrorCode error, std::size_t) {
                                    if (!error && ++self->drained_ < kDrainReadsMax) {
                                        self->drain();
                                    }
                                });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<beast::http::request_parser<beast::http::empty_body>> parser_;
    BeastResponse reply_;
    int drained_ = 0;
    const Handler& handler_;
    std::shared_ptr<void> place_;
};

class BeastServer final : public Server {
  public:
    explicit BeastServer(Handler handler) : handler_(std::move(handler)) {}
    ~BeastServer() override {
        io_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
    }

    Result<void> listen(const std::string& address) {
        const std::size_t colon = address.rfind(':');
        std::uint16_t port = 0;
        const char* end = address.data() + address.size();
        const std::string::size_type digits = colon == std::string::npos ? 0 : colon + 1;
        const auto read = std::from_chars(address.data() + digits, end, port);
        const bool numbered = digits != 0 && read.ptr == end && read.ec == std::errc();
        ErrorCode error;
        const std::string host = numbered ? address.substr(0, colon) : std::string();
        const auto ip = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
        if (!numbered || error) {
            return Error(Errc::invalid_argument,
                         fmt::format("HTTP address {:?} is not an IP address and a port", address));
        }
        const Tcp::endpoint endpoint(ip, port);
        acceptor_.open(endpoint.protocol(), error);
        acceptor_.set_option(asio::socket_base::reuse_address(true), error);
        acceptor_.bind(endpoint, error);
        if (error) {
            const bool taken = error == boost::system::errc::address_in_use;
            return Error(taken ? Errc::address_in_use : Errc::io_error,
                         fmt::format("HTTP address {}: {}", address, error.message()));
        }
        acceptor_.listen(asio::socket_base::max_listen_connections, error);
        const auto local = acceptor_.local_endpoint(error);
        endpoint_ = fmt::format("{}:{}", local.address().to_string(), local.port());
        accept();
        thread_ = std::thread([this] { io_.run(); });
        return {};
    }
    std::string endpoint() const override { return endpoint_; }

  private:
    void accept() {
        accepting_ = true;
        acceptor_.async_accept([this](ErrorCode error, Tcp::socket socket) {
            accepting_ = false;
            if (error) {
                accept_later();
                return;
            }
            ++connections_;
            std::shared_ptr<void> place(nullptr, [this](void*) { give_back(); });
            std::make_shared<Connection>(std::move(socket), handler_, std::move(place))->read();
            if (connections_ < kConnectionsMax) {
                accept();
            }
        });
    }
    // At once it would fail again for as long as there are no files to be had.
    void accept_later() {
        accepting_ = true;
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](ErrorCode error) {
            if (!error) {
                accept();
            }
        });
    }
    void give_back() {
        --connections_;
        if (!accepting_ && !io_.stopped()) {
            accept();
        }
    }

    Handler handler_;
    std::size_t connections_ = 0;
    bool accepting_ = false;
    asio::io_context io_{1};
    Tcp::acceptor acceptor_{io_};
    asio::steady_timer pause_{io_};
    std::string endpoint_;
    std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const std::string& address, Handler handler) {
    auto server = std::make_unique<BeastServer>(std::move(handler));
    if (auto ok = server->listen(address); !ok) {
        return ok.error();
    }
    return std::unique_ptr<Server>(std::move(server));
}

}  // namespace skald::broker::http

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
constexpr auto kSilenceMax = std::chrono::seconds(30);

using BeastRequest = beast::http::request<beast::http::empty_body>;
using BeastResponse = beast::http::response<beast::http::string_body>;

BeastResponse answer(const BeastRequest& request, const Handler& handler) {
    Response response{405, "text/plain", "only GET is served\n"};
    const auto verb = request.method();
    if (verb == beast::http::verb::get || verb == beast::http::verb::head) {
        const std::string target(request.target());
        response = handler({target.substr(0, target.find('?'))});
    }
    BeastResponse reply(static_cast<beast::http::status>(response.status), request.version());
    reply.set(beast::http::field::server, "skald");
    reply.set(beast::http::field::content_type, response.content_type);
    reply.keep_alive(request.keep_alive());
    const std::size_t bytes = response.body.size();
    reply.body() = std::move(response.body);
    reply.content_length(bytes);
    if (verb == beast::http::verb::head) {
        reply.body().clear();
    }
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
        beast::http::async_read(stream_, buffer_, *parser_,
                                [self = shared_from_this()](ErrorCode error, std::size_t) {
                                    if (!error) {
                                        self->write();
                                    }
                                });
    }

  private:
    void write() {
        reply_ = answer(parser_->get(), handler_);
        stream_.expires_after(kSilenceMax);
        beast::http::async_write(stream_, reply_,
                                 [self = shared_from_this()](ErrorCode error, std::size_t) {
                                     if (!error && self->reply_.keep_alive()) {
                                         self->read();
                                     }
                                 });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<beast::http::request_parser<beast::http::empty_body>> parser_;
    BeastResponse reply_;
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
        const bool numbered = colon != std::string::npos &&
                              std::from_chars(address.data() + colon + 1, end, port).ptr == end;
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

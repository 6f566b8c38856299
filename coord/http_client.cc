#include "coord/http_client.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "coord/limits.h"

namespace skald::coord {
namespace {

using std::chrono::milliseconds;

struct HandleEnd {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListEnd {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// A request on its way. Its address is what callbacks get.
struct Transfer {
    HttpClient::Id id = 0;
    HttpRequest request;
    HttpClient::OnLine on_line;  // of a stream
    HttpClient::Done done;
    std::size_t given = 0;  // of the request's body
    HttpEnd end;
    std::array<char, CURL_ERROR_SIZE> why{};
    std::unique_ptr<curl_slist, ListEnd> headers;
    std::unique_ptr<CURL, HandleEnd> easy;
};

std::size_t give(char* to, std::size_t size, std::size_t count, void* of) {
    auto& transfer = *static_cast<Transfer*>(of);
    const std::string& body = transfer.request.body;
    const std::size_t length = std::min(size * count, body.size() - transfer.given);
    std::memcpy(to, body.data() + transfer.given, length);
    transfer.given += length;
    transfer.end.sent = true;
    return length;
}

// libcurl sends a request again when a connection that was kept breaks before the reply begins,
// whatever the request may have done meanwhile. It takes the body for that, from its beginning.
int give_again(void* of, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(of);
    if (!transfer.request.repeatable || offset != 0 || origin != SEEK_SET) {
        return CURL_SEEKFUNC_FAIL;
    }
    transfer.given = 0;
    return CURL_SEEKFUNC_OK;
}

// No line ends before `fresh`.
bool take_lines(Transfer& transfer, std::size_t fresh) {
    std::string& body = transfer.end.body;
    std::size_t begin = 0;
    bool goes_on = true;
    for (std::size_t end = 0; goes_on && (end = body.find('\n', fresh)) != std::string::npos;
         fresh = begin = end + 1) {
        goes_on = transfer.on_line(body.substr(begin, end - begin));
    }
    body.erase(0, begin);
    return goes_on;
}

// Whoever answers something else than it is asked for is not who was meant: it gets an end.
std::size_t take(char* from, std::size_t size, std::size_t count, void* of) {
    auto& transfer = *static_cast<Transfer*>(of);
    std::string& body = transfer.end.body;
    const std::size_t before = body.size();
    body.append(from, size * count);
    const bool goes_on = !transfer.on_line || take_lines(transfer, before);
    transfer.end.too_large =
        body.size() > (transfer.on_line ? kHttpLineBytesMax : kHttpReplyBytesMax);
    return goes_on && !transfer.end.too_large ? size * count : 0;
}

// A peer that is gone without a word is noticed though nothing is to be sent.
int watch_silence(void* of, curl_socket_t socket, curlsocktype) {
    const auto silence_max =
        static_cast<unsigned>(static_cast<const HttpOptions*>(of)->silence_max.count());
    const int on = 1;
    const int seconds = std::max(1, static_cast<int>(silence_max / 3000));
    (void)::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof seconds);
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_max, sizeof silence_max);
    return CURL_SOCKOPT_OK;
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    (void)curl_easy_setopt(easy, option, value);
}

void set_up_tls(CURL* easy, const HttpOptions& options) {
    if (!options.ca_file.empty()) {
        set(easy, CURLOPT_CAINFO, options.ca_file.c_str());
        set(easy, CURLOPT_CAPATH, nullptr);  // of the system: trusted beside it otherwise
    }
    if (!options.cert_file.empty()) {
        set(easy, CURLOPT_SSLCERT, options.cert_file.c_str());
        set(easy, CURLOPT_SSLKEY, options.key_file.c_str());
        set(easy, CURLOPT_KEYPASSWD, "");  // else the terminal is asked for it
    }
}

void set_up(Transfer& transfer, const HttpOptions& options) {
    CURL* easy = transfer.easy.get();
    set(easy, CURLOPT_PRIVATE, &transfer);
    set(easy, CURLOPT_ERRORBUFFER, transfer.why.data());
    set(easy, CURLOPT_URL, transfer.request.url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_PROXY, "");  // of the environment: not for what is inside
    set(easy, CURLOPT_NOSIGNAL, 1L);
    // Over one connection of HTTP/2 a watch that is not read would hold up all others.
    set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(transfer.request.timeout.count()));
    set(easy, CURLOPT_SOCKOPTFUNCTION, watch_silence);
    set(easy, CURLOPT_SOCKOPTDATA, &options);
    // Else the thread would wait for a lookup of a name that nobody waits for any more.
    set(easy, CURLOPT_QUICK_EXIT, 1L);
    set_up_tls(easy, options);
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.request.body.size()));
    set(easy, CURLOPT_READFUNCTION, give);
    set(easy, CURLOPT_READDATA, &transfer);
    set(easy, CURLOPT_SEEKFUNCTION, give_again);
    set(easy, CURLOPT_SEEKDATA, &transfer);
    set(easy, CURLOPT_WRITEFUNCTION, take);
    set(easy, CURLOPT_WRITEDATA, &transfer);
    // Without the second libcurl waits for leave before it sends a large body.
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    for (const std::string& header : transfer.request.headers) {
        headers = curl_slist_append(headers, header.c_str());
    }
    transfer.headers.reset(headers);
    set(easy, CURLOPT_HTTPHEADER, headers);
}

HttpEnd end_of(Transfer& transfer, CURLcode code) {
    HttpEnd end = std::move(transfer.end);
    if (code == CURLE_OK) {
        long status = 0;
        (void)curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        end.status = static_cast<int>(status);
        end.sent = true;
    } else {
        end.timed_out = code == CURLE_OPERATION_TIMEDOUT;
        end.distrusted = code == CURLE_PEER_FAILED_VERIFICATION;
        end.unfit = code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
                    code == CURLE_URL_MALFORMAT;
        end.why = end.too_large             ? "the reply is larger than is read"
                  : transfer.why[0] != '\0' ? transfer.why.data()
                                            : curl_easy_strerror(code);
    }
    return end;
}

}  // namespace

class HttpClient::Worker {
  public:
    Worker(const HttpOptions& options, CURLM* multi) : options_(options), multi_(multi) {
        thread_ = std::thread([this] { run(); });
    }
    ~Worker() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            (void)curl_multi_wakeup(multi_);  // of which the thread disposes soon
        }
        thread_.join();
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    Id begin(std::unique_ptr<Transfer> transfer) {
        Id id = 0;
        {
            const std::lock_guard lock(mutex_);
            id = transfer->id = ++last_;
            begun_.push_back(std::move(transfer));
        }
        (void)curl_multi_wakeup(multi_);
        return id;
    }
    void cancel(Id id) {
        {
            const std::lock_guard lock(mutex_);
            cancelled_.push_back(id);
        }
        (void)curl_multi_wakeup(multi_);
    }

  private:
    // OpenSSL writes to connections that are gone in a way that signals: that, and whatever else is
    // for the program, is not for this thread, which does all that writes.
    void run() {
        sigset_t all;
        sigfillset(&all);
        (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
        while (step()) {
        }
        while (!transfers_.empty()) {
            (void)remove(transfers_.begin()->first);
        }
        (void)curl_multi_cleanup(multi_);
    }

    bool step() {
        std::vector<std::unique_ptr<Transfer>> begun;
        std::vector<Id> cancelled;
        {
            const std::lock_guard lock(mutex_);
            begun.swap(begun_);
            cancelled.swap(cancelled_);
            if (stop_) {
                return false;
            }
        }
        for (auto& transfer : begun) {
            add(std::move(transfer));
        }
        for (const Id id : cancelled) {
            (void)remove(id);
        }
        int running = 0;
        (void)curl_multi_perform(multi_, &running);
        finish();
        (void)curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
        return true;
    }

    void add(std::unique_ptr<Transfer> transfer) {
        transfer->easy.reset(transfers_.size() < kHttpRequestsMax ? curl_easy_init() : nullptr);
        if (!transfer->easy) {
            transfer->end.busy = true;
            transfer->end.why = "there are too many requests under way";
            transfer->done(std::move(transfer->end));
            return;
        }
        set_up(*transfer, options_);
        (void)curl_multi_add_handle(multi_, transfer->easy.get());
        transfers_.emplace(transfer->id, std::move(transfer));
    }

    std::unique_ptr<Transfer> remove(Id id) {
        const auto it = transfers_.find(id);
        if (it == transfers_.end()) {
            return nullptr;
        }
        auto transfer = std::move(it->second);
        transfers_.erase(it);
        (void)curl_multi_remove_handle(multi_, transfer->easy.get());
        return transfer;
    }

    void finish() {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            void* of = nullptr;
            (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &of);
            const CURLcode code = message->data.result;
            const auto transfer = remove(static_cast<Transfer*>(of)->id);
            transfer->done(end_of(*transfer, code));
        }
    }

    static constexpr int kPollMs = 60'000;  // libcurl knows by itself when it has to do something

    const HttpOptions options_;
    CURLM* const multi_;
    std::map<Id, std::unique_ptr<Transfer>> transfers_;  // of the thread
    std::mutex mutex_;
    std::vector<std::unique_ptr<Transfer>> begun_;  // guarded by mutex_, like the rest
    std::vector<Id> cancelled_;
    Id last_ = 0;
    bool stop_ = false;
    std::thread thread_;
};

HttpClient::HttpClient(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::start(const HttpOptions& options) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi == nullptr) {
        return Error(Errc::busy, "the system gives no room for an HTTP client");
    }
    return std::unique_ptr<HttpClient>(new HttpClient(std::make_unique<Worker>(options, multi)));
}

void HttpClient::post(HttpRequest request, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    (void)worker_->begin(std::move(transfer));
}

HttpClient::Id HttpClient::stream(HttpRequest request, OnLine on_line, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->on_line = std::move(on_line);
    transfer->done = std::move(done);
    return worker_->begin(std::move(transfer));
}

void HttpClient::cancel(Id id) {
    worker_->cancel(id);
}

}  // namespace skald::coord

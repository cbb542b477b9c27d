/*
 * The yardstick: the least a key service on a Unix socket can do.
 *
 * One thread per connection, raw frames, one AES-256-GCM wrap by OpenSSL per
 * request. It keeps no keys, checks no caller, writes no log and wipes
 * nothing; a real service can come near it and not below it. Use it for
 * measurements only.
 *
 * Frame, both ways (length counts code and payload, big-endian):
 *
 *   | length (4) | code (1) | payload (length - 1) |
 *
 *   request 'G'  generate  associated data (96)
 *   request 'U'  unwrap    associated data (96) | sealed (60)
 *   answer   0   done      to 'G': data key (32) | sealed (60)
 *                          to 'U': data key (32)
 *   answer   1   refused   empty: the sealed key is not ours or was changed
 *
 *   sealed: | nonce (12) | ciphertext (32) | tag (16) |
 *
 * A frame of any other shape ends the connection.
 *
 * Usage: reference SOCKET. Ends on SIGTERM or SIGINT and removes the socket.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/evp.h>

enum {
    HEADER_BYTES = 4,
    AAD_BYTES = 96,
    KEY_BYTES = 32,
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    SEALED_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES,
    GENERATE_BYTES = 1 + AAD_BYTES,
    UNWRAP_BYTES = 1 + AAD_BYTES + SEALED_BYTES,
    MAX_REQUEST_BYTES = HEADER_BYTES + UNWRAP_BYTES,
    MAX_ANSWER_BYTES = HEADER_BYTES + 1 + KEY_BYTES + SEALED_BYTES,
    /* One refill serves 93 requests, so the system call does not count. */
    RANDOM_POOL_BYTES = 4096,
    STACK_BYTES = 128 * 1024,
};

static const unsigned char CODE_GENERATE = 'G';
static const unsigned char CODE_UNWRAP = 'U';
static const unsigned char CODE_DONE = 0;
static const unsigned char CODE_REFUSED = 1;

static unsigned char master_key[KEY_BYTES];
static int listener;

/* Everything one connection owns; used by its thread alone. */
struct connection {
    int socket;
    EVP_CIPHER_CTX *seal;
    EVP_CIPHER_CTX *open;
    size_t random_left;
    unsigned char random[RANDOM_POOL_BYTES];
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "reference: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static bool fill_random(unsigned char *out, size_t size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        out += got;
        size -= (size_t)got;
    }
    return true;
}

static bool take_random(struct connection *c, unsigned char *out, size_t size)
{
    if (c->random_left < size) {
        if (!fill_random(c->random, sizeof c->random)) {
            return false;
        }
        c->random_left = sizeof c->random;
    }
    c->random_left -= size;
    memcpy(out, c->random + c->random_left, size);
    return true;
}

static bool seal_key(struct connection *c, const unsigned char *aad,
                     const unsigned char *key, unsigned char *sealed)
{
    unsigned char *ciphertext = sealed + NONCE_BYTES;
    unsigned char *tag = ciphertext + KEY_BYTES;
    int written;

    return take_random(c, sealed, NONCE_BYTES)
        && EVP_EncryptInit_ex(c->seal, NULL, NULL, NULL, sealed) == 1
        && EVP_EncryptUpdate(c->seal, NULL, &written, aad, AAD_BYTES) == 1
        && EVP_EncryptUpdate(c->seal, ciphertext, &written, key, KEY_BYTES) == 1
        && EVP_EncryptFinal_ex(c->seal, ciphertext + written, &written) == 1
        && EVP_CIPHER_CTX_ctrl(c->seal, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

static bool open_key(struct connection *c, const unsigned char *aad,
                     unsigned char *sealed, unsigned char *key)
{
    unsigned char *ciphertext = sealed + NONCE_BYTES;
    unsigned char *tag = ciphertext + KEY_BYTES;
    int written;

    return EVP_DecryptInit_ex(c->open, NULL, NULL, NULL, sealed) == 1
        && EVP_DecryptUpdate(c->open, NULL, &written, aad, AAD_BYTES) == 1
        && EVP_DecryptUpdate(c->open, key, &written, ciphertext, KEY_BYTES) == 1
        && EVP_CIPHER_CTX_ctrl(c->open, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1
        && EVP_DecryptFinal_ex(c->open, key + written, &written) == 1;
}

/* Answers one request of `size` bytes (code and payload) into `answer`; returns
 * the bytes of code and payload written, or 0 when the connection must end. */
static size_t answer_request(struct connection *c, unsigned char *request,
                             size_t size, unsigned char *answer)
{
    unsigned char *aad = request + 1;
    unsigned char *key = answer + 1;

    if (size == GENERATE_BYTES && request[0] == CODE_GENERATE) {
        answer[0] = CODE_DONE;
        return take_random(c, key, KEY_BYTES) && seal_key(c, aad, key, key + KEY_BYTES)
            ? 1 + KEY_BYTES + SEALED_BYTES : 0;
    }
    if (size == UNWRAP_BYTES && request[0] == CODE_UNWRAP) {
        bool opened = open_key(c, aad, aad + AAD_BYTES, key);
        answer[0] = opened ? CODE_DONE : CODE_REFUSED;
        return opened ? 1 + KEY_BYTES : 1;
    }
    return 0;
}

static bool send_all(int socket, const unsigned char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Serves one connection until the peer closes it or breaks the format. One
 * read takes what is there, so that a whole frame costs one system call. */
static void serve_frames(struct connection *c)
{
    unsigned char request[MAX_REQUEST_BYTES];
    unsigned char answer[MAX_ANSWER_BYTES];
    size_t filled = 0;

    for (;;) {
        ssize_t got = recv(c->socket, request + filled, sizeof request - filled, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        filled += (size_t)got;

        while (filled >= HEADER_BYTES) {
            uint32_t length;
            memcpy(&length, request, sizeof length);
            length = ntohl(length);
            if (length == 0 || length > UNWRAP_BYTES) {
                return;
            }
            size_t frame = HEADER_BYTES + length;
            if (filled < frame) {
                break;
            }

            size_t size = answer_request(c, request + HEADER_BYTES, length, answer + HEADER_BYTES);
            if (size == 0) {
                return;
            }
            uint32_t header = htonl((uint32_t)size);
            memcpy(answer, &header, sizeof header);
            if (!send_all(c->socket, answer, HEADER_BYTES + size)) {
                return;
            }
            filled -= frame;
            memmove(request, request + frame, filled);
        }
    }
}

static void *run_connection(void *argument)
{
    struct connection *c = argument;

    /* The key schedule is set up once; each request sets only its nonce. */
    c->seal = EVP_CIPHER_CTX_new();
    c->open = EVP_CIPHER_CTX_new();
    if (c->seal != NULL && c->open != NULL
        && EVP_EncryptInit_ex(c->seal, EVP_aes_256_gcm(), NULL, master_key, NULL) == 1
        && EVP_DecryptInit_ex(c->open, EVP_aes_256_gcm(), NULL, master_key, NULL) == 1) {
        serve_frames(c);
    }
    EVP_CIPHER_CTX_free(c->seal);
    EVP_CIPHER_CTX_free(c->open);
    close(c->socket);
    free(c);
    return NULL;
}

static _Noreturn void *accept_connections(void *argument)
{
    pthread_attr_t attributes;
    (void)argument;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);

    for (;;) {
        int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (socket < 0) {
            if (errno == EINTR || errno == ECONNABORTED) {
                continue;
            }
            die("accept");
        }
        struct connection *c = calloc(1, sizeof *c);
        if (c == NULL) {
            die("calloc");
        }
        c->socket = socket;
        pthread_t thread;
        errno = pthread_create(&thread, &attributes, run_connection, c);
        if (errno != 0) {
            die("pthread_create");
        }
    }
}

static void listen_on(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "reference: socket path too long: %s\n", path);
        exit(EXIT_FAILURE);
    }
    strcpy(address.sun_path, path);

    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0
        || bind(listener, (const struct sockaddr *)&address, sizeof address) != 0
        || listen(listener, SOMAXCONN) != 0) {
        die(path);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: reference SOCKET\n");
        return EXIT_FAILURE;
    }
    if (!fill_random(master_key, sizeof master_key)) {
        die("getrandom");
    }

    /* Blocked here and so in every thread: only the sigwait below sees them. */
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);

    listen_on(argv[1]);
    pthread_t acceptor;
    errno = pthread_create(&acceptor, NULL, accept_connections, NULL);
    if (errno != 0) {
        die("pthread_create");
    }

    int received;
    sigwait(&ending, &received);
    unlink(argv[1]);
    /* Threads may be in the middle of a request: no exit handlers under them. */
    _exit(EXIT_SUCCESS);
}

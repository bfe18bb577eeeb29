package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"

	"github.com/recorderbridge/genesys-ingestor/internal/publish"
)

// unreachable says why a host cannot be reached, in words that lead to the cause, and
// what to do about it.
func unreachable(err error, host, variable string) (why, fix string) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the name " + dns.Name + " does not exist", "correct GENESYS_REGION_HOST (or " + variable + "), or the name servers of this host"
		}
		return "the name " + dns.Name + " cannot be resolved: " + dns.Err, "look at the name servers of this host, or set GENESYS_PROXY_URL if only a proxy reaches the internet"
	}
	why = err.Error()
	if text, advice := certificate(err); text != "" {
		return text, advice
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		fix = "nothing listens there: correct " + variable + " or GENESYS_PROXY_URL, or let the firewall pass"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		fix = "let the firewall pass https to " + host + ", or set GENESYS_PROXY_URL"
	default:
		fix = "look at " + variable + ", GENESYS_PROXY_URL and the firewall"
	}
	return why, fix
}

// certificate explains what is wrong with the other side's TLS; empty for other errors.
func certificate(err error) (why, fix string) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "the certificate is signed by an authority that this host does not trust",
			"a proxy that opens TLS? Add its authority to the system's, or for a directory of your own set SSL_CERT_DIR or SSL_CERT_FILE"
	case errors.As(err, &name):
		return "the certificate is for another host: " + name.Host + " is not in it", "correct the address, or the proxy that answers in its place"
	case errors.As(err, &invalid):
		return "the certificate is not valid: " + invalid.Error(), "look at the clock of this host, then at the certificate"
	case errors.As(err, &record):
		return "the other side does not speak TLS", "correct the scheme or the port of the address"
	}
	return "", ""
}

func isTimeout(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout()
}

// hungUp reports whether the other side ended the connection without a word.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// noBroker says why NATS cannot be used, and what to do about it.
func noBroker(err error) (why, fix string) {
	why = reason(err)
	if text, advice := certificate(err); text != "" {
		return text, advice + "; NATS_TLS_CA_FILE names the authorities to trust"
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, publish.ErrSettings):
		fix = "correct the file or the address"
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		why = "the server refuses the credentials"
		fix = "correct NATS_CREDS_FILE, NATS_NKEY_SEED_FILE, NATS_USER and NATS_PASSWORD, or NATS_TOKEN: only one of these ways can be used"
	case errors.Is(err, nats.ErrSecureConnRequired):
		fix = "use tls:// in NATS_URL"
	case errors.Is(err, nats.ErrSecureConnWanted):
		why, fix = "the server offers no TLS", "use nats:// in NATS_URL, or configure TLS in the server"
	case strings.Contains(why, "remote error: tls:"), strings.Contains(why, "closed by remote after TLS handshake"), errors.Is(err, nats.ErrTLS) && hungUp(err):
		// With TLS 1.3 a server judges the certificate of a client after the handshake: its
		// alert races with the end of the connection, and what an earlier attempt has met
		// is known as text only.
		fix = "the server wants a certificate of the client that it trusts: set NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE"
	case errors.As(err, &dns):
		why, fix = "the name "+dns.Name+" cannot be resolved", "correct NATS_URL"
	default:
		fix = "start NATS, correct NATS_URL, or let the firewall pass"
	}
	return why, fix
}

package genesys_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recorderbridge/genesys-ingestor/internal/genesys"
	"github.com/recorderbridge/genesys-ingestor/internal/simulator"
)

// tunnel is a proxy that knows CONNECT and nothing else, and asks for a password. It
// resolves every name to one address.
type tunnel struct {
	*httptest.Server
	target string

	mu    sync.Mutex
	hosts []string
	conns map[net.Conn]bool
	group sync.WaitGroup
}

func newTunnel(t *testing.T, target string) *tunnel {
	t.Helper()
	p := &tunnel{target: target, conns: make(map[net.Conn]bool)}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() { p.cut(); p.Close(); p.group.Wait() })
	return p
}

func (p *tunnel) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	if r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpwdw==" { // user:pw
		w.Header().Set("Proxy-Authenticate", "Basic")
		http.Error(w, "who are you", http.StatusProxyAuthRequired)
		return
	}
	var d net.Dialer
	out, err := d.DialContext(r.Context(), "tcp", p.target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	in, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = out.Close()
		return
	}
	p.mu.Lock()
	p.hosts = append(p.hosts, r.Host)
	p.conns[in], p.conns[out] = true, true
	p.mu.Unlock()
	_, _ = io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n")
	pipe := func(to net.Conn, from io.Reader) {
		_, _ = io.Copy(to, from)
		_ = in.Close()
		_ = out.Close()
	}
	p.group.Go(func() { pipe(out, buffered) })
	p.group.Go(func() { pipe(in, out) })
}

// cut ends every connection.
func (p *tunnel) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// region is an organization behind TLS, under the host names of a region.
func region(t *testing.T, org *simulator.Org, cert tls.Certificate) string {
	t.Helper()
	target, err := url.Parse(org.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		ErrorLog: log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.StatusCode == http.StatusSwitchingProtocols {
				return nil
			}
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			_ = resp.Body.Close()
			data = bytes.ReplaceAll(data, []byte("ws"+strings.TrimPrefix(org.URL(), "http")), []byte("wss://streaming."+regionDomain))
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
			resp.Header.Del("Content-Length")
			return nil
		},
	}
	server := httptest.NewUnstartedServer(proxy)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

const regionDomain = "region.invalid"

// trusted makes a certificate for the hosts of the region and returns it with the file
// that vouches for it. The file is read where the machine's own list would be.
func trusted(dir string) (tls.Certificate, string, error) {
	// Always the same key: the list of authorities is read once per process, and the
	// test may run more than once.
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: regionDomain}, IsCA: true, BasicConstraintsValid: true,
		DNSNames:  []string{"api." + regionDomain, "login." + regionDomain, "streaming." + regionDomain},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	file := filepath.Join(dir, "roots.pem")
	err = os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file, err
}

// REST and websockets go through a proxy that asks for a password; no name of the
// region is resolved here. The proxy may break every connection, any time.
func TestTunnel(t *testing.T) {
	cert, file, err := trusted(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// No other test of this package uses TLS.
	t.Setenv("SSL_CERT_FILE", file)
	t.Setenv("SSL_CERT_DIR", t.TempDir())
	org := organization(t, simulator.Options{Users: 3})
	p := newTunnel(t, region(t, org, cert))
	var out logs
	o := options(org)
	o.APIURL, o.LoginURL, o.Domain = "https://api."+regionDomain, "https://login."+regionDomain, regionDomain
	o.ProxyURL, o.Logger = strings.Replace(p.URL, "http://", "http://user:pw@", 1), out.logger()
	r := connect(t, org, o)
	r.ready(t)
	r.call(t)
	p.mu.Lock()
	hosts := slices.Compact(slices.Sorted(slices.Values(p.hosts)))
	p.mu.Unlock()
	if want := []string{"api.region.invalid:443", "login.region.invalid:443", "streaming.region.invalid:443"}; !slices.Equal(hosts, want) {
		t.Errorf("hosts %v, want %v", hosts, want)
	}
	p.cut()
	r.back(t, genesys.CauseSocketLost)
	r.call(t)
	if n := org.ChannelsCreated(); n != 1 {
		t.Errorf("%d channels", n)
	}
	if strings.Contains(out.String(), "user:pw") || strings.Contains(out.String(), "/channels/s") {
		t.Errorf("the log holds a secret:\n%s", out.String())
	}

	// A password that is refused is told, without itself.
	o.ProxyURL = strings.Replace(p.URL, "http://", "http://user:wrong-word@", 1)
	refused := run(t, o, newRecorder())
	waitFor(t, "the refusal", func() bool { return strings.Contains(refused.Status().LastError, "Proxy Authentication Required") })
	if strings.Contains(out.String(), "wrong-word") {
		t.Errorf("the log holds the password:\n%s", out.String())
	}
}

package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	caLifetime   = 10 * 365 * 24 * time.Hour
	leafLifetime = 90 * 24 * time.Hour
	renewBefore  = 30 * 24 * time.Hour
)

// CAFile is where the certificate of the local CA of a data directory is.
func CAFile(dir string) string { return filepath.Join(dir, "tls", "ca.pem") }

// ensureCA makes the local CA of dir unless it is there.
func ensureCA(dir string, now time.Time) error {
	if _, err := os.Stat(CAFile(dir)); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "tls"), 0o700); err != nil {
		return fmt.Errorf("make a folder for certificates: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "Postern local CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(caLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return writePair(dir, "ca", template, template, key, key)
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return n
}

// writePair signs template with parent and writes name.pem and name.key below dir/tls. The
// certificate comes last, so that one without its key is never seen.
func writePair(dir, name string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	base := filepath.Join(dir, "tls", name)
	if err := replaceFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return err
	}
	return replaceFile(base+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	next := path + ".new"
	if err := os.WriteFile(next, data, mode); err != nil {
		return err
	}
	return os.Rename(next, path)
}

// localCertificate returns a leaf of the local CA for the host of publicURL and loopback,
// and makes a new one when there is none, it ends soon, or it names other hosts.
func localCertificate(dir, publicURL string, now time.Time) (*tls.Certificate, error) {
	host := "localhost"
	if u, err := url.Parse(publicURL); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	if pair, err := loadLeaf(dir); err == nil &&
		pair.Leaf.VerifyHostname(host) == nil && now.Add(renewBefore).Before(pair.Leaf.NotAfter) {
		return pair, nil
	}
	ca, err := tls.LoadX509KeyPair(CAFile(dir), filepath.Join(dir, "tls", "ca.key"))
	if err != nil {
		return nil, fmt.Errorf("read the local CA: %w", err)
	}
	signer, ok := ca.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key of the local CA is no ECDSA key")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = append(template.IPAddresses, ip)
	} else if host != "localhost" {
		template.DNSNames = append(template.DNSNames, host)
	}
	if err := writePair(dir, "server", template, ca.Leaf, key, signer); err != nil {
		return nil, fmt.Errorf("write a certificate: %w", err)
	}
	return loadLeaf(dir)
}

func loadLeaf(dir string) (*tls.Certificate, error) {
	base := filepath.Join(dir, "tls", "server")
	pair, err := tls.LoadX509KeyPair(base+".pem", base+".key")
	return &pair, err
}

// certificates serves the current certificate and looks for a newer one from time to time.
type certificates struct {
	load func() (*tls.Certificate, error)
	log  *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
}

func newCertificates(load func() (*tls.Certificate, error), log *slog.Logger) (*certificates, error) {
	first, err := load()
	if err != nil {
		return nil, err
	}
	return &certificates{load: load, log: log, current: first}, nil
}

// reload reads the certificate again; when that fails the old one stays.
func (c *certificates) reload() {
	next, err := c.load()
	if err != nil {
		c.log.Error("certificate was not read; the old one stays", "err", err)
		return
	}
	c.mu.Lock()
	changed := !bytes.Equal(c.current.Certificate[0], next.Certificate[0])
	c.current = next
	c.mu.Unlock()
	if changed {
		c.log.Info("certificate was read again")
	}
}

// readAgain reads files every minute until ctx ends, and whenever again says so.
func readAgain(ctx context.Context, again <-chan os.Signal, files []func()) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-again:
		}
		for _, read := range files {
			read()
		}
	}
}

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.current, nil
		},
	}
}

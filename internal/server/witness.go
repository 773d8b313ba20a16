package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/audit"
	"github.com/postern-id/postern/internal/outbound"
)

// witnessTimeout bounds one try to tell a witness.
const witnessTimeout = 10 * time.Second

// NamedWitness is a witness as the settings name it.
type NamedWitness struct {
	kind    string // file, syslog or webhook: the label of its metrics
	name    string // under which the store keeps how far it was told; holds no secret
	witness audit.Witness
}

// ParseWitnesses reads witnesses as in file:/path, syslog: (this machine),
// syslog:tcp://host:601, syslog:udp://host:514 and https://host/path. ErrWitness says which one
// can't be read, without quoting it: an address may hold a secret.
func ParseWitnesses(texts []string) ([]NamedWitness, error) {
	var all []NamedWitness
	for i, text := range texts {
		w, err := parseWitness(text)
		if err != nil {
			return nil, ErrWitness.With("", fmt.Sprintf("Witness %d can't be read: %s.", i+1, err))
		}
		sum := sha256.Sum256([]byte(text))
		w.name = w.kind + " " + hex.EncodeToString(sum[:8])
		all = append(all, w)
	}
	return all, nil
}

func parseWitness(text string) (NamedWitness, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		path = strings.TrimPrefix(path, "//")
		if !filepath.IsAbs(path) {
			return NamedWitness{}, errors.New("the path of a file must be absolute")
		}
		return NamedWitness{kind: "file", witness: &audit.FileWitness{Path: path}}, nil
	}
	if at, ok := strings.CutPrefix(text, "syslog:"); ok {
		w, err := parseSyslog(at)
		return NamedWitness{kind: "syslog", witness: w}, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return NamedWitness{}, errors.New("it is neither file:/path, nor syslog:, nor an https address")
	}
	return NamedWitness{kind: "webhook", witness: &webWitness{url: text, client: &http.Client{
		Timeout:       witnessTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// webWitness posts each checkpoint as it is. Any 2xx says that it is kept.
type webWitness struct {
	url    string
	client *http.Client
}

// Publish implements audit.Witness. Its errors don't quote the address, which may hold a
// secret.
func (w *webWitness) Publish(ctx context.Context, _ string, checkpoint []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(checkpoint))
	if err != nil {
		return errors.New("the address of the webhook is not well formed")
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	res, err := w.client.Do(r)
	if err != nil {
		return outbound.Cause(err)
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %d", res.StatusCode)
	}
	return nil
}

// localLogs are where programs on Unix send their log.
var localLogs = []string{"/dev/log", "/var/run/syslog", "/var/run/log"}

// syslog sends each checkpoint on one line: to the machine's own log as its programs do
// (RFC 3164), to others as RFC 5424 says, over TCP with the octets counted (RFC 6587).
type syslog struct {
	network string // unixgram, tcp or udp
	address string
	host    string // of this machine, for the header
	now     func() time.Time

	mu   sync.Mutex
	conn net.Conn
}

func parseSyslog(at string) (*syslog, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "-"
	}
	s := &syslog{network: "unixgram", host: host, now: time.Now}
	switch u, err := url.Parse(at); {
	case at == "":
		s.address = localLogs[0]
		for _, path := range localLogs {
			if _, err := os.Stat(path); err == nil {
				s.address = path
				break
			}
		}
	case strings.HasPrefix(at, "/"):
		s.address = at
	case err != nil || u.Scheme != "tcp" && u.Scheme != "udp" || u.Port() == "":
		return nil, errors.New("write syslog:, syslog:/dev/log, syslog:tcp://host:601 or syslog:udp://host:514")
	default:
		s.network, s.address = u.Scheme, u.Host
	}
	return s, nil
}

// priority is facility 13 (log audit) and severity 5 (notice), RFC 5424 section 6.2.1.
const priority = 13*8 + 5

// Publish implements audit.Witness.
func (s *syslog) Publish(ctx context.Context, _ string, checkpoint []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := s.line(checkpoint)
	again := s.conn != nil // the connection is from before, and may have died since
	err := s.send(ctx, line)
	if err != nil && again {
		err = s.send(ctx, line)
	}
	return err
}

func (s *syslog) line(checkpoint []byte) string {
	text, at := audit.CheckpointLine(checkpoint), s.now()
	if s.network == "unixgram" {
		return fmt.Sprintf("<%d>%s postern[%d]: %s", priority, at.Format(time.Stamp), os.Getpid(), text)
	}
	line := fmt.Sprintf("<%d>1 %s %s postern %d checkpoint - %s", priority, at.UTC().Format("2006-01-02T15:04:05.000000Z"), s.host, os.Getpid(), text)
	if s.network == "tcp" {
		line = fmt.Sprintf("%d %s", len(line), line)
	}
	return line
}

func (s *syslog) send(ctx context.Context, line string) error {
	if s.conn == nil {
		d := net.Dialer{Timeout: witnessTimeout}
		conn, err := d.DialContext(ctx, s.network, s.address)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	err := s.conn.SetWriteDeadline(s.now().Add(witnessTimeout))
	if err == nil {
		_, err = s.conn.Write([]byte(line))
	}
	if err != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
	return err
}

// couriers returns one courier for each witness of the settings.
func (s *Server) couriers() []*audit.Courier {
	var all []*audit.Courier
	for _, w := range s.options.Witnesses {
		all = append(all, &audit.Courier{
			Name: w.name, Witness: w.witness, Source: s.db.Log(), Marks: s.db.Log(), Log: s.options.Log,
			Tenants: s.tenantNames,
			Told: func(err error) {
				if err != nil {
					s.metrics.count("postern_witness_failures_total", "witness", w.kind)
					return
				}
				s.metrics.count("postern_witness_checkpoints_total", "witness", w.kind)
			},
		})
	}
	return all
}

func (s *Server) tenantNames(ctx context.Context) ([]string, error) {
	tenants, err := s.db.Tenants(ctx)
	names := make([]string, len(tenants))
	for i, t := range tenants {
		names[i] = string(t)
	}
	return names, err
}

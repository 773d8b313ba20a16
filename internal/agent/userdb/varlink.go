package userdb

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/postern-id/postern/internal/agent/peer"
)

// Server answers lookups. Every field is required.
type Server struct {
	Book *Book
	Log  *slog.Logger
	Peer func(net.Conn) (peer.Process, error) // peer.Of, except in tests
}

// maxCall bounds a call, in bytes; a name and a number need far less.
const maxCall = 4096

// idle is how long a connection may say nothing.
const idle = 30 * time.Second

// Serve answers connections until ctx ends or l is closed, and returns when all are done.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	limit := peer.Limiter{Each: 32, Others: 256, Root: 256}
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		from, err := s.Peer(conn)
		if err != nil || !limit.Enter(from.UID) {
			_ = conn.Close()
			continue
		}
		all.Go(func() {
			defer limit.Leave(from.UID)
			defer func() { _ = conn.Close() }()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			s.answer(conn)
		})
	}
}

// answer serves the calls of one connection, one after another.
func (s *Server) answer(conn net.Conn) {
	in := bufio.NewReaderSize(conn, maxCall)
	for {
		if err := conn.SetDeadline(time.Now().Add(idle)); err != nil {
			return
		}
		line, err := in.ReadSlice(0)
		if err != nil {
			return // also a call that is too long
		}
		var out bytes.Buffer
		if !s.call(line[:len(line)-1], &out) {
			return
		}
		if _, err := conn.Write(out.Bytes()); err != nil {
			return
		}
	}
}

type call struct {
	Method     string     `json:"method"`
	Parameters parameters `json:"parameters"`
	More       bool       `json:"more"`
	OneWay     bool       `json:"oneway"`
}

type parameters struct {
	UID       *uint32 `json:"uid"`
	GID       *uint32 `json:"gid"`
	UserName  *string `json:"userName"`
	GroupName *string `json:"groupName"`
	Service   string  `json:"service"`
}

type reply struct {
	Parameters any    `json:"parameters"`
	Continues  bool   `json:"continues,omitempty"`
	Error      string `json:"error,omitempty"`
}

// Errors of io.systemd.UserDatabase and of Varlink.
const (
	noRecord    = "io.systemd.UserDatabase.NoRecordFound"
	conflicting = "io.systemd.UserDatabase.ConflictingRecordFound"
	badService  = "io.systemd.UserDatabase.BadService"
	noMethod    = "org.varlink.service.MethodNotFound"
	noMore      = "org.varlink.service.ExpectedMore"
)

// call answers one call into out; it reports whether the connection goes on.
func (s *Server) call(data []byte, out *bytes.Buffer) bool {
	var c call
	if err := json.Unmarshal(data, &c); err != nil || c.OneWay {
		return false
	}
	records, failed := s.Book.page().answer(c)
	if failed == "" && len(records) == 0 {
		failed = noRecord
	}
	if failed == "" && len(records) > 1 && !c.More {
		failed = noMore
	}
	if failed != "" {
		return write(out, reply{Parameters: struct{}{}, Error: failed})
	}
	for i, r := range records {
		if !write(out, reply{Parameters: r, Continues: i+1 < len(records)}) {
			return false
		}
	}
	return true
}

func write(out *bytes.Buffer, r reply) bool {
	data, err := json.Marshal(r)
	if err != nil {
		return false
	}
	out.Write(data)
	return out.WriteByte(0) == nil
}

// answer finds the records that a call asks for, or an error of Varlink.
func (p *page) answer(c call) ([]any, string) {
	q := c.Parameters
	if q.Service != Name {
		return nil, badService
	}
	switch c.Method {
	case "io.systemd.UserDatabase.GetUserRecord":
		return find(p.users, p.byUID, q.UserName, q.UID)
	case "io.systemd.UserDatabase.GetGroupRecord":
		return find(p.groups, p.byGID, q.GroupName, q.GID)
	case "io.systemd.UserDatabase.GetMemberships":
		return p.findMembers(q), ""
	}
	return nil, noMethod
}

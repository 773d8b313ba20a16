package pin

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/postern-id/postern/internal/agent/container"
	"github.com/postern-id/postern/internal/agent/container/soft"
	"github.com/postern-id/postern/internal/device"
	"github.com/postern-id/postern/internal/graphclient"
	"github.com/postern-id/postern/internal/pinkey"
)

// Containers guard the keys of a device's people. Those in a [TPM] and those in a [File] are
// the same to who uses them. Without a Server the device is alone.
type Containers interface {
	// Users returns the object ids of the people who have a PIN here.
	Users() ([]string, error)
	// Find returns a person's container, container.ErrNoPIN or container.ErrBroken.
	Find(user string) (container.Container, error)
	// Left returns how many wrong PINs it still takes, and how long to wait before the next.
	Left(c container.Container) (left int, wait time.Duration, err error)
	// Holds reports whether the key can be used, and counts nothing.
	Holds(c container.Container) error

	Create(ctx context.Context, server as, ids pinkey.Container, answer device.ContainerAnswer, pin string) error
	Sign(ctx context.Context, server as, user, pin string, digest []byte) ([]byte, error)
	Change(ctx context.Context, server as, user, former, pin string, past int) error
	Reset(ctx context.Context, server as, user, pin string) error
	Remove(ctx context.Context, server as, user string) error
	// Rotate replaces the key of a person's PIN, and Settle finds out whether that was done.
	Rotate(ctx context.Context, server as, user, pin string) error
	Settle(ctx context.Context, server as, user string) error
}

// TPM is containers whose keys are in a TPM.
type TPM struct{ *container.Store }

// Create implements Containers.
func (t TPM) Create(ctx context.Context, server as, ids pinkey.Container, answer device.ContainerAnswer, pin string) error {
	plan, err := planOf(ids, answer)
	if err == nil {
		_, err = t.Store.Create(ctx, server, plan, pin)
	}
	return err
}

func planOf(ids pinkey.Container, answer device.ContainerAnswer) (container.Plan, error) {
	key, err := x509.ParsePKIXPublicKey(answer.ResetKey)
	if err != nil {
		return container.Plan{}, graphclient.ErrAnswer.With("", "The server's reset key is malformed.")
	}
	reset, err := device.KeyOf(key)
	return container.Plan{IDs: ids, Reset: reset, ResetVersion: answer.ResetVersion, Challenge: answer.Challenge}, err
}

// Sign implements Containers.
func (t TPM) Sign(_ context.Context, _ as, user, pin string, digest []byte) ([]byte, error) {
	return t.Store.Sign(user, pin, digest)
}

// Change implements Containers.
func (t TPM) Change(_ context.Context, _ as, user, former, pin string, past int) error {
	return t.Store.Change(user, former, pin, past)
}

// Reset implements Containers.
func (t TPM) Reset(ctx context.Context, server as, user, pin string) error {
	return t.Store.Reset(ctx, server, user, pin)
}

// Remove implements Containers.
func (t TPM) Remove(ctx context.Context, server as, user string) error {
	return t.Store.Remove(ctx, server, user)
}

// Rotate implements Containers.
func (t TPM) Rotate(ctx context.Context, server as, user, pin string) error {
	return t.Store.Rotate(ctx, server, user, pin)
}

// Settle implements Containers.
func (t TPM) Settle(ctx context.Context, server as, user string) error {
	return t.Store.Settle(ctx, server, user)
}

// File is containers whose keys are in files.
type File struct{ *soft.Store }

func (a as) orNil() soft.Server {
	if a.Server == nil {
		return nil
	}
	return a
}

// Create implements Containers.
func (f File) Create(ctx context.Context, server as, ids pinkey.Container, answer device.ContainerAnswer, pin string) error {
	return f.Store.Create(ctx, server, soft.Plan{IDs: ids, RecoveryKey: answer.RecoveryKey, Challenge: answer.Challenge}, pin)
}

// Sign implements Containers.
func (f File) Sign(ctx context.Context, server as, user, pin string, digest []byte) ([]byte, error) {
	return f.Store.Sign(ctx, server.orNil(), user, pin, digest)
}

// Change implements Containers.
func (f File) Change(ctx context.Context, server as, user, former, pin string, past int) error {
	return f.Store.Change(ctx, server.orNil(), user, former, pin, past)
}

// Reset implements Containers.
func (f File) Reset(ctx context.Context, server as, user, pin string) error {
	return f.Store.Reset(ctx, server, user, pin)
}

// Remove implements Containers.
func (f File) Remove(ctx context.Context, server as, user string) error {
	return f.Store.Remove(ctx, server, user)
}

// Rotate implements Containers.
func (f File) Rotate(ctx context.Context, server as, user, pin string) error {
	return f.Store.Rotate(ctx, server, user, pin)
}

// Settle implements Containers.
func (f File) Settle(ctx context.Context, server as, user string) error {
	return f.Store.Settle(ctx, server, user)
}

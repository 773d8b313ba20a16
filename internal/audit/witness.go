package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// Witness keeps checkpoints where the server cannot take them back.
type Witness interface {
	// Publish returns nil once it keeps a checkpoint of tenant. It may be told one twice.
	Publish(ctx context.Context, tenant string, checkpoint []byte) error
}

// FileWitness appends checkpoints to the file at Path, which it creates with mode 0600 and
// opens anew each time, so that the file can be rotated. What Publish returned nil for is on
// disk. [ReadCheckpoints] reads the file.
type FileWitness struct {
	Path string
	mu   sync.Mutex
}

// Publish appends checkpoint and an empty line.
func (w *FileWitness) Publish(_ context.Context, _ string, checkpoint []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, err := os.OpenFile(w.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the witness file: %w", err)
	}
	if err := errors.Join(w.append(f, checkpoint), f.Close()); err != nil {
		return fmt.Errorf("write to the witness file: %w", err)
	}
	return nil
}

func (w *FileWitness) append(f *os.File, checkpoint []byte) error {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if end == 0 {
		if err := syncDir(filepath.Dir(w.Path)); err != nil {
			return err
		}
	}
	text := string(checkpoint) + "\n"
	if last := make([]byte, 1); end > 0 {
		if _, err := f.ReadAt(last, end-1); err != nil {
			return err
		}
		if last[0] != '\n' { // a crash cut the checkpoint before; now it is none at all
			text = "\n# cut off\n" + text
		}
	}
	if _, err := io.WriteString(f, text); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a new file's name durable. Windows cannot and need not.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// maxNote is more than a checkpoint has bytes.
const maxNote = 16 << 10

// linePrefix is before a checkpoint on one line.
const linePrefix = "postern-checkpoint "

// CheckpointLine returns checkpoint on one line without its end, for witnesses that keep
// lines, such as syslog. [ReadCheckpoints] finds it anywhere in a line.
func CheckpointLine(checkpoint []byte) string {
	return linePrefix + base64.StdEncoding.EncodeToString(checkpoint)
}

// fromLine returns the checkpoint on a line, or nil.
func fromLine(line []byte) []byte {
	_, text, ok := bytes.Cut(line, []byte(linePrefix))
	if !ok {
		return nil
	}
	if end := bytes.IndexFunc(text, func(r rune) bool { return !strings.ContainsRune(base64Alphabet, r) }); end >= 0 {
		text = text[:end]
	}
	note, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return nil
	}
	return note
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

// ReadCheckpoints returns the signed notes in r, for [Options.Witnesses]: one note, the file
// of a [FileWitness], or lines that contain a [CheckpointLine]. What is between them and what
// a crash cut is passed over. Signatures are not checked.
func ReadCheckpoints(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var block []byte
		end := func() bool {
			signed := append(bytes.TrimRight(block, "\n"), '\n')
			block = nil
			_, err := readCheckpoint(signed)
			return err != nil || yield(signed, nil)
		}
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			if bytes.HasPrefix(lines.Bytes(), []byte(originPrefix)) && !end() {
				return
			}
			if note := fromLine(lines.Bytes()); note != nil {
				if !end() {
					return
				}
				block = note
				if !end() {
					return
				}
				continue
			}
			if len(block) <= maxNote {
				block = append(append(block, lines.Bytes()...), '\n')
			}
		}
		if err := lines.Err(); err != nil {
			yield(nil, fmt.Errorf("read checkpoints: %w", err))
			return
		}
		end()
	}
}

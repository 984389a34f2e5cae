package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Joins wait for the other members; nothing waits longer.
const answerLimit = 150 * time.Second

// The version spoken of each request.
var versions = map[int16]int16{
	8: 9, 9: 9, 10: 4, 11: 9, 12: 4, 13: 5, 14: 5, 18: 3, 19: 7, 68: 1,
}

// connection sends requests and reads their answers in the order in which they were sent. Nothing is repeated and nothing
// is hidden from the caller: a broken connection is an error.
type connection struct {
	socket net.Conn
	reader *bufio.Reader
	format *kmsg.RequestFormatter
	open   []kmsg.Request
	next   int32
}

func dial(address string) (*connection, error) {
	socket, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID("load"))
	return &connection{socket: socket, reader: bufio.NewReader(socket), format: format}, nil
}

func (c *connection) close() { c.socket.Close() }

func (c *connection) send(request kmsg.Request) error {
	version, known := versions[request.Key()]
	if !known {
		return fmt.Errorf("no version is pinned for key %d", request.Key())
	}
	request.SetVersion(version)
	c.next++
	c.open = append(c.open, request)
	_, err := c.socket.Write(c.format.AppendRequest(nil, request, c.next))
	return err
}

// receive reads the answer of the oldest request that has none.
func (c *connection) receive() (kmsg.Response, error) {
	if len(c.open) == 0 {
		return nil, errors.New("no request is open")
	}
	request := c.open[0]
	c.open = c.open[1:]
	if err := c.socket.SetReadDeadline(time.Now().Add(answerLimit)); err != nil {
		return nil, err
	}
	var header [8]byte
	if _, err := io.ReadFull(c.reader, header[:]); err != nil {
		return nil, err
	}
	expected := c.next - int32(len(c.open))
	if got := int32(binary.BigEndian.Uint32(header[4:])); got != expected {
		return nil, fmt.Errorf("correlation id %d, expected %d", got, expected)
	}
	body := make([]byte, binary.BigEndian.Uint32(header[:4])-4)
	if _, err := io.ReadFull(c.reader, body); err != nil {
		return nil, err
	}
	response := request.ResponseKind()
	// The header of ApiVersions stays as it was; every other flexible one ends with tagged fields, of which there are none.
	if response.IsFlexible() && response.Key() != 18 {
		body = body[1:]
	}
	return response, response.ReadFrom(body)
}

func (c *connection) call(request kmsg.Request) (kmsg.Response, error) {
	if err := c.send(request); err != nil {
		return nil, err
	}
	return c.receive()
}

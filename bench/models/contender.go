package main

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "contenders.h"
*/
import "C"

import (
	"errors"
	"time"
	"unsafe"

	"ml-service/onnx"
)

// A contender answers calls of a fixed number of rows.
type contender interface {
	// run makes so many calls and leaves the last answer, one score a row, in answer.
	run(calls int, answer []float32) error
}

// foreign is a contender in C.
type foreign struct{ c *C.contender }

func (f foreign) run(calls int, answer []float32) error {
	return failure(C.contender_run(f.c, C.int(calls), (*C.float)(unsafe.Pointer(&answer[0]))))
}

// spent is the processor time of f, which must not leave its thread.
func spent(f func() error) (time.Duration, error) {
	start := C.thread_ns()
	err := f()
	return time.Duration(C.thread_ns() - start), err
}

// spentByAll is the processor time of all threads during f.
func spentByAll(f func() error) (time.Duration, error) {
	start := C.process_ns()
	err := f()
	return time.Duration(C.process_ns() - start), err
}

func failure(message *C.char) error {
	if message == nil {
		return nil
	}
	return errors.New(C.GoString(message))
}

// rowsInC are the rows of a model in memory that C may keep.
type rowsInC struct {
	data         *C.float
	count, width C.int
}

func newRows(rows []float32, width int) rowsInC {
	p := C.malloc(C.size_t(4 * len(rows)))
	copy(unsafe.Slice((*float32)(p), len(rows)), rows)
	return rowsInC{(*C.float)(p), C.int(len(rows) / width), C.int(width)}
}

func openONNXRuntime(library string, model []byte, r rowsInC, size int) (contender, error) {
	var c *C.contender
	err := failure(C.ort_open(C.CString(library), C.CBytes(model), C.size_t(len(model)), r.data, r.count, r.width, C.int(size), &c))
	return foreign{c}, err
}

func openXGBoost(library, path string, r rowsInC, size int) (contender, error) {
	var c *C.contender
	err := failure(C.xgboost_open(C.CString(library), C.CString(path), r.data, r.count, r.width, C.int(size), &c))
	return foreign{c}, err
}

func openCompiled(library string, r rowsInC, size int) (contender, error) {
	var c *C.contender
	err := failure(C.compiled_open(C.CString(library), r.data, r.count, r.width, C.int(size), &c))
	return foreign{c}, err
}

// ours is this repository's onnx package: a session as the service uses it.
type ours struct {
	session           *onnx.Session
	rows              []float32
	width, size, next int
}

func openOurs(model []byte, rows []float32, width, size int) (contender, error) {
	m, err := onnx.Load(model)
	if err != nil {
		return nil, err
	}
	o := &ours{session: m.NewSession(), rows: rows, width: width, size: size}
	in := o.session.Input(0)
	in.Resize(size, width)
	for i := range size {
		copy(in.F32[i*width:(i+1)*width], rows[i*width%len(rows):])
	}
	return o, nil
}

func (o *ours) run(calls int, answer []float32) error {
	in := o.session.Input(0)
	for range calls {
		if o.size == 1 {
			copy(in.F32, o.rows[o.next:o.next+o.width])
			if o.next += o.width; o.next == len(o.rows) {
				o.next = 0
			}
		}
		if err := o.session.Run(); err != nil {
			return err
		}
	}
	for i, scores := 0, o.session.Output(1).F32; i < o.size; i++ {
		answer[i] = scores[2*i+1]
	}
	return nil
}

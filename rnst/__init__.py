"""Robust neural style transfer: make adversarially robust weights, paint with them."""
